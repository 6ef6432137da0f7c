#include <coauth/secret.hpp>

#include "values/wipe.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace coauth
{
namespace
{

using storage_allocator = detail::wiping_allocator<char>;

} // namespace

secret::secret(secret const& other) : secret(other.view()) {}

secret::secret(secret&& other) noexcept
    : bytes_(std::exchange(other.bytes_, nullptr))
    , size_(std::exchange(other.size_, 0))
    , capacity_(std::exchange(other.capacity_, 0))
{
}

secret& secret::operator=(secret other) noexcept
{
    std::swap(bytes_, other.bytes_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    return *this;
}

secret::~secret()
{
    if (bytes_ != nullptr)
        storage_allocator().deallocate(bytes_, capacity_);
}

secret::secret(std::string text) : secret(std::string_view(text))
{
    detail::wipe(text);
}

secret::secret(char const* text) : secret(std::string_view(text != nullptr ? text : "")) {}

secret::secret(std::string_view text)
{
    append(text);
}

void secret::reserve(std::size_t size)
{
    if (size <= capacity_)
        return;
    char* const larger = storage_allocator().allocate(size);
    if (bytes_ != nullptr)
    {
        std::memcpy(larger, bytes_, size_);
        storage_allocator().deallocate(bytes_, capacity_);
    }
    bytes_ = larger;
    capacity_ = size;
}

secret& secret::append(std::string_view text)
{
    if (text.empty())
        return *this;
    if (bytes_ == nullptr || text.size() > capacity_ - size_)
        reserve(std::max(size_ + text.size(), 2 * capacity_));
    std::memcpy(bytes_ + size_, text.data(), text.size());
    size_ += text.size();
    return *this;
}

secret& secret::append(char c)
{
    if (size_ == capacity_)
        return append(std::string_view(&c, 1));
    bytes_[size_++] = c;
    return *this;
}

secret& secret::prepend(std::string_view text)
{
    if (text.empty())
        return *this;
    reserve(size_ + text.size());
    std::memmove(bytes_ + text.size(), bytes_, size_);
    std::memcpy(bytes_, text.data(), text.size());
    size_ += text.size();
    return *this;
}

void secret::clear() noexcept
{
    if (bytes_ != nullptr)
        detail::wipe(bytes_, size_);
    size_ = 0;
}

bool operator==(secret const& a, secret const& b) noexcept
{
    return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.bytes_, b.bytes_, a.size()) == 0);
}

} // namespace coauth
