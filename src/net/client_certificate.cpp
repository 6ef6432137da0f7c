#include "net/client_certificate.hpp"

#include "crypto/openssl_error.hpp"
#include "crypto/openssl_ptr.hpp"
#include "crypto/pem.hpp"
#include "crypto/read_private_key.hpp"
#include "crypto/store_key.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <new>
#include <utility>
#include <vector>

namespace coauth::net
{
namespace
{

using crypto::openssl_ptr;
using crypto::pem_error;

result<void> check_dates_of(X509 const* certificate, std::string const& name)
{
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
        return pem_error(name + " has expired; give the one that replaced it");
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
        return pem_error(name + " is not valid yet; check the clock");
    return {};
}

class loaded_chain final : public certificate_chain
{
public:
    // As in messages.
    std::string name;
    crypto::openssl_ptr<X509> leaf;
    crypto::openssl_ptr<STACK_OF(X509)> intermediates;
    crypto::openssl_ptr<EVP_PKEY> key;
    std::string digests;

    result<void> use_for(SSL* connection) const override
    {
        crypto::clear_errors();
        if (SSL_use_certificate(connection, leaf.get()) == 1 &&
            SSL_set1_chain(connection, intermediates.get()) == 1 &&
            SSL_use_PrivateKey(connection, key.get()) == 1)
            return {};
        auto const* const reason = ERR_reason_error_string(ERR_peek_last_error());
        if (crypto::is_out_of_memory() || reason == nullptr)
            return error(errc::out_of_memory);
        return pem_error(
            name + " is refused by OpenSSL (" + reason +
            "); give one with a key of 2048 bits or more (RSA), and signed with SHA-256 or better");
    }
    [[nodiscard]] result<void> check_dates() const override
    {
        return check_dates_of(leaf.get(), name);
    }
    [[nodiscard]] std::string const& fingerprint() const noexcept override { return digests; }
};

void append_digest(std::string& fingerprint, X509 const* certificate)
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    if (X509_digest(certificate, EVP_sha256(), bytes.data(), &size) != 1)
        throw std::bad_alloc();
    fingerprint.append(bytes.begin(), bytes.begin() + size);
}

// OpenSSL parses key and extensions once, and caches a failure that came from a lack of memory.
void parse_now(X509* certificate)
{
    (void)X509_get0_pubkey(certificate);
    (void)X509_check_purpose(certificate, -1, 0);
    crypto::throw_if_out_of_memory();
}

result<void> read_certificates(loaded_chain& chain, secret const& text)
{
    auto const& name = chain.name;
    auto certificates = crypto::read_certificates(text.view(), name);
    if (!certificates)
        return certificates.error();
    if (certificates->empty())
        return pem_error(
            name + " holds no PEM certificate; it must contain -----BEGIN CERTIFICATE-----");
    chain.intermediates.reset(sk_X509_new_null());
    if (!chain.intermediates)
        throw std::bad_alloc();
    for (auto& certificate : *certificates)
    {
        // Of all: a server keeps in its sessions whether it could verify the chain.
        append_digest(chain.digests, certificate.get());
        parse_now(certificate.get());
        if (!chain.leaf)
            chain.leaf = std::move(certificate);
        else if (sk_X509_push(chain.intermediates.get(), certificate.get()) == 0)
            throw std::bad_alloc();
        else
            (void)certificate.release();
    }
    return chain.check_dates();
}

result<secret> read_pem_option(std::string const& path, char const* subject)
{
    auto contents = crypto::pem_file(path, subject).read();
    if (!contents)
        return contents.error();
    return std::move(contents->text);
}

struct named_key
{
    openssl_ptr<EVP_PKEY> key;
    // As in messages.
    std::string name;
};

// The key of the options, or the one beside the certificate in `text`, which `name` names.
result<named_key> read_key(tls_options const& options, secret text, std::string name)
{
    if (!options.key_uri.empty())
    {
        auto key = crypto::read_store_key(
            options.key_uri, options.key_passphrase, "tls.key_uri", "tls.key_passphrase");
        if (!key)
            return key.error();
        return named_key{
            std::move(*key), "tls.key_uri '" + crypto::shown_uri(options.key_uri) + "'"};
    }
    if (!options.key_file.empty())
    {
        name = "tls.key_file '" + options.key_file + "'";
        auto contents = read_pem_option(options.key_file, "tls.key_file");
        if (!contents)
            return contents.error();
        text = std::move(*contents);
    }
    else if (!options.key_pem.empty())
    {
        name = "tls.key_pem";
        text = options.key_pem;
    }
    auto key =
        crypto::read_private_key(text.view(), options.key_passphrase, name, "tls.key_passphrase");
    if (!key)
        return key.error();
    return named_key{std::move(*key), std::move(name)};
}

result<client_certificate::chain_ptr> read_chain(tls_options const& options)
{
    bool const from_file = !options.certificate_file.empty();
    std::string const name = from_file ? "tls.certificate_file '" + options.certificate_file + "'"
                                       : "tls.certificate_pem";
    auto text = from_file ? read_pem_option(options.certificate_file, "tls.certificate_file")
                          : result<secret>(secret(std::string_view(options.certificate_pem)));
    if (!text)
        return text.error();
    auto chain = std::make_shared<loaded_chain>();
    chain->name = name;
    auto const read = read_certificates(*chain, *text);
    if (!read)
        return read.error();
    auto key = read_key(options, *text, name);
    if (!key)
        return key.error();
    chain->key = std::move(key->key);
    crypto::clear_errors();
    if (X509_check_private_key(chain->leaf.get(), chain->key.get()) != 1)
        return pem_error(key->name + " is not the key of the certificate in " + name);
    return client_certificate::chain_ptr(std::move(chain));
}

// What is watched of the key. A URI that is no file is a path that does not exist: it is tried
// again after a failure, as a file is.
std::string watched_key(tls_options const& options)
{
    auto const path = crypto::path_of_uri(options.key_uri);
    return !path.empty() ? path : !options.key_uri.empty() ? options.key_uri : options.key_file;
}

} // namespace

client_certificate::client_certificate(tls_options const& options)
    : options_(options)
    , chain_(detail::watched_files({watched_key(options), options.certificate_file}))
{
}

result<client_certificate::chain_ptr> client_certificate::current(clock::time_point now)
{
    if (options_.certificate_file.empty() && options_.certificate_pem.empty())
        return chain_ptr();
    auto latest = chain_.current(
        [&](chain_ptr const& previous) -> result<chain_ptr>
        {
            auto chain = read_chain(options_);
            bool const same =
                chain && previous && (*chain)->fingerprint() == previous->fingerprint();
            return same ? result<chain_ptr>(previous) : std::move(chain);
        });
    return last_good_.update(std::move(latest), now);
}

} // namespace coauth::net
