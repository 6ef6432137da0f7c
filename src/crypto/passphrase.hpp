#ifndef COAUTH_SRC_CRYPTO_PASSPHRASE_HPP
#define COAUTH_SRC_CRYPTO_PASSPHRASE_HPP

#include <coauth/secret_provider.hpp>

#include <cstddef>
#include <string>

namespace coauth::crypto
{

// Passes the pass-phrase of a `secret_provider` to OpenSSL.
class passphrase_callback
{
public:
    explicit passphrase_callback(secret_provider const& provider) : provider_(provider) {}

    // An OpenSSL `pem_password_cb`; `self` is a passphrase_callback.
    static int call(char* buffer, int size, int /*writing*/, void* self) noexcept
    {
        return static_cast<passphrase_callback*>(self)->copy_to(
            buffer, static_cast<std::size_t>(size));
    }

    // True if OpenSSL needed a pass-phrase: the key is encrypted.
    [[nodiscard]] bool was_called() const noexcept { return was_called_; }
    // Why the provider returned no pass-phrase. Empty: it did, or there is no provider.
    [[nodiscard]] std::string const& failure() const noexcept { return failure_; }

private:
    int copy_to(char* buffer, std::size_t size) noexcept;

    secret_provider const& provider_;
    bool was_called_ = false;
    std::string failure_;
};

} // namespace coauth::crypto

#endif
