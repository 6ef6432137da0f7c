#include <coauth/secret.hpp>

#include <openssl/crypto.h>

namespace coauth
{

void wipe(void* data, std::size_t size) noexcept
{
    OPENSSL_cleanse(data, size);
}

void wipe(std::string& text) noexcept
{
    wipe(text.data(), text.capacity());
    text.clear();
}

secret::secret(std::string text) : bytes_(text.begin(), text.end())
{
    wipe(text);
}

secret::secret(char const* text) : secret(std::string_view(text)) {}

secret::secret(std::string_view text) : bytes_(text.begin(), text.end()) {}

secret& secret::append(std::string_view text)
{
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    return *this;
}

secret& secret::append(char c)
{
    bytes_.push_back(c);
    return *this;
}

void secret::clear() noexcept
{
    wipe(bytes_.data(), bytes_.size());
    bytes_.clear();
}

bool operator==(secret const& a, secret const& b) noexcept
{
    return a.size() == b.size() && CRYPTO_memcmp(a.bytes_.data(), b.bytes_.data(), a.size()) == 0;
}

} // namespace coauth
