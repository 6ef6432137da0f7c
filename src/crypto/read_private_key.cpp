#include "crypto/read_private_key.hpp"

#include "crypto/key_encryption.hpp"
#include "crypto/key_text.hpp"
#include "crypto/openssl_error.hpp"
#include "crypto/passphrase.hpp"
#include "crypto/pem.hpp"
#include "crypto/pkcs12.hpp"
#include "values/json_document.hpp"

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

// Formats without a private key that OpenSSL reads, and what to do. Empty: it is none of them.
std::string describe_format(std::string_view text)
{
    if (contains(text, "BEGIN OPENSSH PRIVATE KEY-----"))
        return "is a key in OpenSSH's own format; convert a copy of it to PEM: "
               "ssh-keygen -p -m PKCS8 -f COPY";
    if (text.starts_with("PuTTY-User-Key-File"))
        return "is a key in PuTTY's own format; convert it to PEM: "
               "puttygen FILE -O private-openssh -o client.key";
    if (text.starts_with("\xFE\xED\xFE\xED") || text.starts_with("\xCE\xCE\xCE\xCE"))
        return "is a Java key store; convert it to PKCS #12: keytool -importkeystore -srckeystore "
               "FILE -destkeystore client.p12 -deststoretype PKCS12";
    if (contains(text, "BEGIN SSH2 ENCRYPTED PRIVATE KEY"))
        return "is a key in the format of SSH Tectia; convert it to PEM: ssh-keygen -i -f FILE";
    if (contains(text, "BEGIN TSS2 PRIVATE KEY"))
        return "is a key that only a TPM can use; sign with a function (signing_key::function)";
    if (contains(text, "<RSAKeyValue>"))
        return "is a key in the XML format of .NET; export it as PEM: ExportPkcs8PrivateKeyPem()";
    if (contains(text, "BEGIN PGP "))
        return "is a PGP key; give an RSA, EC or Ed25519 key";
    if (text.starts_with("ssh-") || text.starts_with("ecdsa-sha2-"))
        return "is the public half of an OpenSSH key; give the private key";
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
        return "is empty; give a private key";
    return {};
}

bool is_der_certificate(std::string_view bytes)
{
    auto const* begin = reinterpret_cast<unsigned char const*>(bytes.data());
    openssl_ptr<X509> const certificate(
        bytes.starts_with('\x30') ? d2i_X509(nullptr, &begin, static_cast<long>(bytes.size()))
                                  : nullptr);
    ERR_clear_error();
    return certificate != nullptr;
}

// A path as it is pasted: a single short line.
bool is_path(std::string_view text)
{
    constexpr std::size_t longest = 4096;
    bool const one_line = text.size() < longest && !contains(text, "\n") && !contains(text, " ");
    return one_line && (text.starts_with('/') || text.starts_with("./") ||
                        text.starts_with("../") || text.ends_with(".pem") ||
                        text.ends_with(".key") || text.ends_with(".p12") || text.ends_with(".pfx"));
}

// Says what the text is instead of a readable private key.
error describe_unreadable(std::string_view text, std::string const& subject)
{
    if (auto const format = describe_format(text); !format.empty())
        return pem_error(subject + " " + format);
    if (contains(text, "PRIVATE KEY-----"))
        return pem_error(
            subject +
            " holds a private key that cannot be read; give the whole of it, as it was made");
    if (contains(text, "PUBLIC KEY-----") || contains(text, "BEGIN CERTIFICATE-----") ||
        is_der_certificate(text))
        return pem_error(
            subject + " holds only a public key or a certificate; give the private key");
    if (is_path(text))
        return pem_error(
            subject + " looks like a path where the text of a key belongs; use the function or "
                      "option that takes a file");
    if (contains(text, "PRIVATE KEY"))
        return pem_error(
            subject + " has no line that is exactly -----BEGIN PRIVATE KEY-----, with five "
                      "hyphens on both sides; give the key as it was made");
    return pem_error(
        subject + " holds no PEM private key; it must contain -----BEGIN PRIVATE KEY-----, or be a "
                  "JSON Web Key, PKCS #12 or DER");
}

error describe_encrypted(
    passphrase_callback const& callback, bool has_provider, std::string_view text,
    std::string const& subject, std::string const& source)
{
    if (auto const algorithm = unavailable_encryption(text); !algorithm.empty())
        return pem_error(
            subject + " is encrypted with " + algorithm +
            ", which this OpenSSL offers only in its legacy provider; encrypt it again: "
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

// The document of a Google service account names its key.
std::string key_id_of_document(std::string_view text)
{
    auto const begin = text.find('{');
    auto const document = begin == std::string_view::npos
                              ? std::nullopt
                              : detail::json_document::parse(text.substr(begin));
    return document ? std::string(document->find("private_key_id").as_string().value_or("")) : "";
}

openssl_ptr<EVP_PKEY> read_any(std::string_view text, passphrase_callback& callback)
{
    if (text.starts_with('\x30'))
        return read_der(text, callback);
    auto key = read_pem(text, callback);
    if (key || callback.was_called())
        return key;
    // The label may be that of another kind of key.
    auto const bytes = decode_first_block(text);
    return bytes.empty() ? nullptr : read_der(bytes.view(), callback);
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
    auto const normal = normalize_key_text(text);
    if (is_pkcs12(normal.view()))
    {
        auto key = read_pkcs12_key(normal.view(), passphrase, subject, source);
        if (!key)
            return key.error();
        return jwk_key{std::move(*key), {}, {}};
    }
    if (is_json(normal.view()))
        return read_jwk(normal.view(), subject);
    clear_errors();
    passphrase_callback callback(passphrase);
    auto key = read_any(normal.view(), callback);
    if (key)
    {
        ERR_clear_error();
        return jwk_key{std::move(key), key_id_of_document(text), {}};
    }
    if (callback.was_called())
        return describe_encrypted(callback, bool(passphrase), normal.view(), subject, source);
    return describe_unreadable(normal.view(), subject);
}

} // namespace coauth::crypto
