#include "net/client_certificate.hpp"

#include "crypto/openssl_error.hpp"
#include "crypto/openssl_ptr.hpp"
#include "crypto/pem.hpp"
#include "crypto/read_private_key.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <new>

namespace coauth::net
{
namespace
{

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

    bool use_for(SSL* connection) const override
    {
        bool const used = SSL_use_certificate(connection, leaf.get()) == 1 &&
                          SSL_set1_chain(connection, intermediates.get()) == 1 &&
                          SSL_use_PrivateKey(connection, key.get()) == 1;
        ERR_clear_error();
        return used;
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
    crypto::clear_errors();
    auto const bio = crypto::memory_bio(text.view());
    if (bio)
        chain.leaf.reset(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    chain.intermediates.reset(sk_X509_new_null());
    if (!chain.leaf || !chain.intermediates)
        return pem_error(
            name + " holds no PEM certificate; it must contain -----BEGIN CERTIFICATE-----");
    ERR_clear_error();
    // Of all: a server keeps in its sessions whether it could verify the chain.
    append_digest(chain.digests, chain.leaf.get());
    parse_now(chain.leaf.get());
    while (crypto::openssl_ptr<X509> next{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)})
    {
        parse_now(next.get());
        append_digest(chain.digests, next.get());
        if (sk_X509_push(chain.intermediates.get(), next.get()) == 0)
            throw std::bad_alloc();
        (void)next.release();
    }
    // Other text may follow, but not a part of a certificate.
    bool const damaged = ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
    crypto::throw_if_out_of_memory();
    if (damaged)
        return pem_error(name + " is cut off or damaged after its first certificate");
    return chain.check_dates();
}

result<secret> read_file(std::string const& path, char const* subject)
{
    auto contents = crypto::pem_file(path, subject).read();
    if (!contents)
        return contents.error();
    return std::move(contents->text);
}

result<client_certificate::chain_ptr> read_chain(tls_options const& options)
{
    bool const from_file = !options.certificate_file.empty();
    std::string const name = from_file ? "tls.certificate_file '" + options.certificate_file + "'"
                                       : "tls.certificate_pem";
    auto text = from_file ? read_file(options.certificate_file, "tls.certificate_file")
                          : result<secret>(secret(std::string_view(options.certificate_pem)));
    if (!text)
        return text.error();
    auto chain = std::make_shared<loaded_chain>();
    chain->name = name;
    auto const read = read_certificates(*chain, *text);
    if (!read)
        return read.error();
    std::string key_name = name;
    if (!options.key_file.empty())
    {
        key_name = "tls.key_file '" + options.key_file + "'";
        text = read_file(options.key_file, "tls.key_file");
    }
    else if (!options.key_pem.empty())
    {
        key_name = "tls.key_pem";
        text = options.key_pem;
    }
    if (!text)
        return text.error();
    auto key = crypto::read_private_key(
        text->view(), options.key_passphrase, key_name, "tls.key_passphrase");
    if (!key)
        return key.error();
    chain->key = std::move(*key);
    crypto::clear_errors();
    if (X509_check_private_key(chain->leaf.get(), chain->key.get()) != 1)
        return pem_error(key_name + " is not the key of the certificate in " + name);
    return client_certificate::chain_ptr(std::move(chain));
}

} // namespace

client_certificate::client_certificate(tls_options const& options)
    : options_(options)
    , chain_(detail::watched_files({options.key_file, options.certificate_file}))
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
