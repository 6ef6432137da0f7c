#include <coauth/secret.hpp>

#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace coauth
{

void wipe(void* data, std::size_t size) noexcept
{
    if (size == 0)
        return;
    std::memset(data, 0, size);
    // The compiler must believe that someone looks at it.
    asm volatile("" : : "r"(data) : "memory");
}

void wipe(std::string& text) noexcept
{
    // All that it owns; what lies behind its size nobody may write to.
    text.resize(text.capacity());
    wipe(text.data(), text.size());
    text.clear();
}

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
        wiping_allocator<char>().deallocate(bytes_, capacity_);
}

secret::secret(std::string text) : secret(std::string_view(text))
{
    wipe(text);
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
    char* const larger = wiping_allocator<char>().allocate(size);
    if (bytes_ != nullptr)
    {
        std::memcpy(larger, bytes_, size_);
        wiping_allocator<char>().deallocate(bytes_, capacity_);
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
        wipe(bytes_, size_);
    size_ = 0;
}

bool operator==(secret const& a, secret const& b) noexcept
{
    return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.bytes_, b.bytes_, a.size()) == 0);
}

} // namespace coauth
