#include "crypto/read_private_key.hpp"

#include "crypto/openssl_error.hpp"
#include "crypto/passphrase.hpp"
#include "crypto/pem.hpp"

#include <openssl/pem.h>

namespace coauth::crypto
{
namespace
{

bool contains(std::string_view text, std::string_view part)
{
    return text.find(part) != std::string_view::npos;
}

// Says what the text is instead of a readable private key.
error describe_unreadable(std::string_view text, std::string const& subject)
{
    if (contains(text, "PRIVATE KEY-----"))
        return pem_error(
            subject + " holds a private key that cannot be read; give the whole of it");
    if (contains(text, "PUBLIC KEY-----") || contains(text, "BEGIN CERTIFICATE-----"))
        return pem_error(
            subject + " holds only a public key or a certificate; give the private key");
    return pem_error(
        subject + " holds no PEM private key; it must contain -----BEGIN PRIVATE KEY-----");
}

error describe_encrypted(
    passphrase_callback const& callback, bool has_provider, std::string const& subject,
    std::string const& source)
{
    if (!callback.failure().empty())
        return pem_error(subject + ": the pass-phrase cannot be obtained: " + callback.failure());
    if (!has_provider)
        return pem_error(subject + " is encrypted; give " + source);
    return pem_error(subject + " cannot be decrypted with the pass-phrase; check " + source);
}

} // namespace

result<openssl_ptr<EVP_PKEY>> read_private_key(
    std::string_view text, secret_provider const& passphrase, std::string const& subject,
    std::string_view passphrase_source)
{
    clear_errors();
    auto const bio = memory_bio(text);
    passphrase_callback callback(passphrase);
    openssl_ptr<EVP_PKEY> key(
        bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, passphrase_callback::call, &callback)
            : nullptr);
    if (key)
    {
        ERR_clear_error();
        return key;
    }
    if (callback.was_called())
        return describe_encrypted(
            callback, bool(passphrase), subject, std::string(passphrase_source));
    return describe_unreadable(text, subject);
}

} // namespace coauth::crypto
