#include "net/client_certificate.hpp"

#include "crypto/openssl_memory.hpp"
#include "crypto/pem.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <chrono>
#include <new>
#include <sys/stat.h>

namespace coauth::net
{
namespace
{

using pem::pem_error;

struct openssl_deleter
{
    void operator()(STACK_OF(X509) * p) const noexcept { sk_X509_pop_free(p, X509_free); }
};

result<void> check_dates_of(X509 const* certificate, std::string const& what)
{
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
        return pem_error(what + " has expired; give the one that replaced it");
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
        return pem_error(what + " is not valid yet; check the clock");
    return {};
}

class chain final : public certificate_chain
{
public:
    // How messages name it.
    std::string what;
    pem::openssl_ptr<X509> leaf;
    std::unique_ptr<STACK_OF(X509), openssl_deleter> others;
    pem::openssl_ptr<EVP_PKEY> key;
    std::string digests;

    bool offer(SSL* connection) const override
    {
        bool const good = SSL_use_certificate(connection, leaf.get()) == 1 &&
                          SSL_set1_chain(connection, others.get()) == 1 &&
                          SSL_use_PrivateKey(connection, key.get()) == 1;
        ERR_clear_error();
        return good;
    }
    [[nodiscard]] result<void> check_dates() const override
    {
        return check_dates_of(leaf.get(), what);
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

// OpenSSL reads key and extensions once, and keeps a failure to.
void read_ahead(X509* certificate)
{
    (void)X509_get0_pubkey(certificate);
    (void)X509_check_purpose(certificate, -1, 0);
    throw_if_lacked_memory();
}

result<void> read_certificates(chain& into, secret const& text)
{
    auto const& what = into.what;
    forget_failures();
    auto const bio = pem::memory_bio(text.view());
    if (bio)
        into.leaf.reset(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    into.others.reset(sk_X509_new_null());
    if (!into.leaf || !into.others)
        return pem_error(
            what + " holds no PEM certificate; it must contain -----BEGIN CERTIFICATE-----");
    ERR_clear_error();
    // Of all: a server that could not follow the chain remembers so in its sessions.
    append_digest(into.digests, into.leaf.get());
    read_ahead(into.leaf.get());
    while (pem::openssl_ptr<X509> next{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)})
    {
        read_ahead(next.get());
        append_digest(into.digests, next.get());
        if (sk_X509_push(into.others.get(), next.get()) == 0)
            throw std::bad_alloc();
        (void)next.release();
    }
    // The rest may be something else, but not a certificate that is half written.
    bool const damaged = ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
    throw_if_lacked_memory();
    if (damaged)
        return pem_error(what + " is cut off or damaged after its first certificate");
    return into.check_dates();
}

result<std::shared_ptr<certificate_chain const>> read_chain(tls_options const& options)
{
    bool const from_file = !options.certificate_file.empty();
    std::string const what = from_file ? "tls.certificate_file '" + options.certificate_file + "'"
                                       : "tls.certificate_pem";
    auto text = from_file ? pem::read_file(options.certificate_file, what)
                          : result<secret>(secret(std::string_view(options.certificate_pem)));
    if (!text)
        return text.error();
    auto made = std::make_shared<chain>();
    made->what = what;
    auto const read = read_certificates(*made, *text);
    if (!read)
        return read.error();
    std::string key_what = what;
    if (!options.key_file.empty())
    {
        key_what = "tls.key_file '" + options.key_file + "'";
        text = pem::read_file(options.key_file, key_what);
    }
    else if (!options.key_pem.empty())
    {
        key_what = "tls.key_pem";
        text = options.key_pem;
    }
    if (!text)
        return text.error();
    auto key = pem::read_key(text->view(), options.key_passphrase, key_what, "tls.key_passphrase");
    if (!key)
        return key.error();
    made->key = std::move(*key);
    forget_failures();
    if (X509_check_private_key(made->leaf.get(), made->key.get()) != 1)
        return pem_error(key_what + " is not the key of the certificate in " + what);
    return std::shared_ptr<certificate_chain const>(std::move(made));
}

} // namespace

client_certificate::client_certificate(tls_options const& options) : options_(options) {}

client_certificate::stamp client_certificate::stamp_of(std::string const& path)
{
    struct stat is{};
    if (path.empty() || stat(path.c_str(), &is) != 0)
        return {};
    return {
        static_cast<std::int64_t>(is.st_dev), static_cast<std::int64_t>(is.st_ino),
        static_cast<std::int64_t>(is.st_size), static_cast<std::int64_t>(is.st_mtim.tv_sec),
        static_cast<std::int64_t>(is.st_mtim.tv_nsec)};
}

bool client_certificate::is_old(stamp const& file)
{
    using namespace std::chrono;
    auto const now = floor<seconds>(system_clock::now().time_since_epoch()).count();
    return now - file.seconds > 2;
}

result<std::shared_ptr<client_certificate>> client_certificate::load(tls_options const& options)
{
    if (options.certificate_file.empty() && options.certificate_pem.empty())
        return std::shared_ptr<client_certificate>();
    auto made = std::make_shared<client_certificate>(options);
    made->certificate_read_ = stamp_of(options.certificate_file);
    made->key_read_ = stamp_of(options.key_file);
    made->settled_ = is_old(made->certificate_read_) && is_old(made->key_read_);
    auto read = read_chain(options);
    if (!read)
        return read.error();
    made->chain_ = std::move(*read);
    return made;
}

std::shared_ptr<certificate_chain const> client_certificate::present()
{
    auto const certificate = stamp_of(options_.certificate_file);
    auto const key = stamp_of(options_.key_file);
    {
        std::lock_guard const lock(mutex_);
        if (settled_ && certificate == certificate_read_ && key == key_read_)
            return chain_;
    }
    bool const settled = is_old(certificate) && is_old(key);
    // Without the lock: it may ask the user's function for a pass-phrase.
    auto read = read_chain(options_);
    std::lock_guard const lock(mutex_);
    if (!read)
        return chain_;
    certificate_read_ = certificate;
    key_read_ = key;
    settled_ = settled;
    chain_ = std::move(*read);
    return chain_;
}

} // namespace coauth::net
