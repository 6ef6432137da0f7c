#include "crypto/read_private_key.hpp"

#include "crypto/key_encryption.hpp"
#include "crypto/key_text.hpp"
#include "crypto/openssl_error.hpp"
#include "crypto/passphrase.hpp"
#include "crypto/pem.hpp"
#include "crypto/pkcs12.hpp"

#include <openssl/decoder.h>
#include <openssl/pem.h>

#include <utility>

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
    if (contains(text, "BEGIN OPENSSH PRIVATE KEY-----"))
        return pem_error(
            subject + " is a key in OpenSSH's own format; convert a copy of it to PEM: "
                      "ssh-keygen -p -m PKCS8 -f COPY");
    if (text.starts_with("PuTTY-User-Key-File"))
        return pem_error(
            subject + " is a key in PuTTY's own format; convert it to PEM: "
                      "puttygen FILE -O private-openssh -o client.key");
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
    passphrase_callback const& callback, bool has_provider, std::string_view text,
    std::string const& subject, std::string const& source)
{
    if (auto const algorithm = unavailable_encryption(text); !algorithm.empty())
        return pem_error(
            subject + " is encrypted with " + algorithm +
            ", which this OpenSSL offers only in its legacy provider; encrypt it anew: "
            "openssl pkey -provider legacy -provider default -in FILE -aes256 -out client.key");
    if (!callback.failure().empty())
        return pem_error(subject + ": the pass-phrase cannot be obtained: " + callback.failure());
    if (!has_provider)
        return pem_error(subject + " is encrypted; give " + source);
    return pem_error(subject + " cannot be decrypted with the pass-phrase; check " + source);
}

// DER without encryption, or PKCS #8 with it. Null: it is neither.
openssl_ptr<EVP_PKEY> read_der(std::string_view bytes, passphrase_callback& callback)
{
    auto const bio = memory_bio(bytes);
    openssl_ptr<EVP_PKEY> key(
        bio ? d2i_PKCS8PrivateKey_bio(bio.get(), nullptr, passphrase_callback::call, &callback)
            : nullptr);
    if (key || callback.was_called())
        return key;
    auto const* begin = reinterpret_cast<unsigned char const*>(bytes.data());
    return openssl_ptr<EVP_PKEY>(
        d2i_AutoPrivateKey(nullptr, &begin, static_cast<long>(bytes.size())));
}

openssl_ptr<EVP_PKEY> read_pem(std::string_view text, passphrase_callback& callback)
{
    auto const bio = memory_bio(text);
    return openssl_ptr<EVP_PKEY>(
        bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, passphrase_callback::call, &callback)
            : nullptr);
}

} // namespace

result<openssl_ptr<EVP_PKEY>> read_private_key(
    std::string_view text, secret_provider const& passphrase, std::string const& subject,
    std::string_view passphrase_source)
{
    auto read = read_signing_key(text, passphrase, subject, passphrase_source);
    if (!read)
        return read.error();
    return std::move(read->key);
}

result<jwk_key> read_signing_key(
    std::string_view text, secret_provider const& passphrase, std::string const& subject,
    std::string_view passphrase_source)
{
    std::string const source(passphrase_source);
    if (is_pkcs12(text))
    {
        auto key = read_pkcs12_key(text, passphrase, subject, source);
        if (!key)
            return key.error();
        return jwk_key{std::move(*key), {}, {}};
    }
    auto const normal = normalize_key_text(text);
    if (is_json(normal.view()))
        return read_jwk(normal.view(), subject);
    clear_errors();
    passphrase_callback callback(passphrase);
    auto key =
        text.starts_with('\x30') ? read_der(text, callback) : read_pem(normal.view(), callback);
    if (key)
    {
        ERR_clear_error();
        return jwk_key{std::move(key), {}, {}};
    }
    if (callback.was_called())
        return describe_encrypted(callback, bool(passphrase), normal.view(), subject, source);
    return describe_unreadable(text, subject);
}

} // namespace coauth::crypto
