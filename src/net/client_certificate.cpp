#include "net/client_certificate.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <optional>
#include <sys/stat.h>

namespace coauth::net
{
namespace
{

constexpr std::size_t longest_file = std::size_t(1024) * 1024;

struct freeing
{
    void operator()(BIO* p) const noexcept { BIO_free(p); }
    void operator()(X509* p) const noexcept { X509_free(p); }
    void operator()(EVP_PKEY* p) const noexcept { EVP_PKEY_free(p); }
    void operator()(STACK_OF(X509) * p) const noexcept { sk_X509_pop_free(p, X509_free); }
    void operator()(std::FILE* p) const noexcept { (void)std::fclose(p); }
};
template <class T>
using owned = std::unique_ptr<T, freeing>;

error refuse(std::string context)
{
    ERR_clear_error();
    error_info info;
    info.context = std::move(context);
    return {errc::invalid_configuration, std::move(info)};
}

result<secret> read_file(std::string const& path, std::string const& what)
{
    owned<std::FILE> const file(std::fopen(path.c_str(), "rbe"));
    if (!file)
        return refuse(what + " '" + path + "' cannot be read; give the path of a PEM file");
    // Nothing of it stays in a buffer of the library.
    (void)std::setvbuf(file.get(), nullptr, _IONBF, 0);
    std::string text(longest_file + 1, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file.get()));
    if (std::ferror(file.get()) != 0 || text.empty() || text.size() > longest_file)
    {
        wipe(text);
        return refuse(what + " '" + path + "' is empty or larger than 1 MiB");
    }
    return secret(std::move(text));
}

owned<BIO> bio_over(secret const& text)
{
    return owned<BIO>(BIO_new_mem_buf(text.view().data(), static_cast<int>(text.size())));
}

class chain final : public certificate_chain
{
public:
    owned<X509> leaf;
    owned<STACK_OF(X509)> others;
    owned<EVP_PKEY> key;
    std::string digests;

    bool offer(SSL* connection) const override
    {
        bool const good = SSL_use_certificate(connection, leaf.get()) == 1 &&
                          SSL_set1_chain(connection, others.get()) == 1 &&
                          SSL_use_PrivateKey(connection, key.get()) == 1;
        ERR_clear_error();
        return good;
    }
    [[nodiscard]] std::string const& fingerprint() const noexcept override { return digests; }
};

// Answers OpenSSL's question for the pass-phrase; never the terminal's user.
struct passphrase
{
    secret_function const& ask;
    std::optional<error> failed = {};
    bool asked = false;

    static int answer(char* into, int size, int /*writing*/, void* self) noexcept
    {
        return static_cast<passphrase*>(self)->give(into, size);
    }
    int give(char* into, int size) noexcept
    {
        asked = true;
        if (!ask)
            return -1;
        try
        {
            auto const given = ask();
            if (!given)
                failed = given.error();
            if (!given || given->size() > static_cast<std::size_t>(size))
                return -1;
            std::memcpy(into, given->view().data(), given->size());
            return static_cast<int>(given->size());
        }
        catch (...)
        {
            return -1;
        }
    }
};

result<owned<EVP_PKEY>>
read_key(secret const& text, secret_function const& ask, std::string const& what)
{
    auto const bio = bio_over(text);
    passphrase phrase{ask};
    owned<EVP_PKEY> key(
        bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, passphrase::answer, &phrase) : nullptr);
    ERR_clear_error();
    if (key)
        return key;
    if (phrase.failed)
        return *phrase.failed;
    if (phrase.asked)
        return refuse(
            what + " is encrypted, and " +
            (ask ? "the pass-phrase does not open it; check tls.key_passphrase"
                 : "there is no pass-phrase; set tls.key_passphrase"));
    return refuse(what + " holds no PEM private key; it must contain -----BEGIN PRIVATE KEY-----");
}

void append_digest(std::string& fingerprint, X509 const* certificate)
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    X509_digest(certificate, EVP_sha256(), bytes.data(), &size);
    fingerprint.append(bytes.begin(), bytes.begin() + size);
}

result<void> check_dates(X509* certificate, std::string const& what)
{
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
        return refuse(what + " has expired; give the one that replaced it");
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
        return refuse(what + " is not valid yet; check the clock");
    return {};
}

result<void> read_certificates(chain& into, secret const& text, std::string const& what)
{
    auto const bio = bio_over(text);
    if (bio)
        into.leaf.reset(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    into.others.reset(sk_X509_new_null());
    if (!into.leaf || !into.others)
        return refuse(
            what + " holds no PEM certificate; it must contain -----BEGIN CERTIFICATE-----");
    // Of all: a server that could not follow the chain remembers so in its sessions.
    append_digest(into.digests, into.leaf.get());
    while (X509* const next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr))
    {
        sk_X509_push(into.others.get(), next);
        append_digest(into.digests, next);
    }
    ERR_clear_error();
    return check_dates(into.leaf.get(), what);
}

result<std::shared_ptr<certificate_chain const>> read_chain(tls_options const& options)
{
    bool const from_file = !options.certificate_file.empty();
    std::string const what = from_file ? "tls.certificate_file '" + options.certificate_file + "'"
                                       : "tls.certificate_pem";
    auto text = from_file ? read_file(options.certificate_file, "tls.certificate_file")
                          : result<secret>(secret(std::string_view(options.certificate_pem)));
    if (!text)
        return text.error();
    auto made = std::make_shared<chain>();
    auto const read = read_certificates(*made, *text, what);
    if (!read)
        return read.error();
    std::string key_what = what;
    if (!options.key_file.empty())
    {
        key_what = "tls.key_file '" + options.key_file + "'";
        text = read_file(options.key_file, "tls.key_file");
    }
    else if (!options.key_pem.empty())
    {
        key_what = "tls.key_pem";
        text = options.key_pem;
    }
    if (!text)
        return text.error();
    auto key = read_key(*text, options.key_passphrase, key_what);
    if (!key)
        return key.error();
    made->key = std::move(*key);
    if (X509_check_private_key(made->leaf.get(), made->key.get()) != 1)
        return refuse(key_what + " is not the key of the certificate in " + what);
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

result<std::shared_ptr<client_certificate>> client_certificate::load(tls_options const& options)
{
    if (options.certificate_file.empty() && options.certificate_pem.empty())
        return std::shared_ptr<client_certificate>();
    auto made = std::make_shared<client_certificate>(options);
    made->certificate_read_ = stamp_of(options.certificate_file);
    made->key_read_ = stamp_of(options.key_file);
    auto read = read_chain(options);
    if (!read)
        return read.error();
    made->chain_ = std::move(*read);
    return made;
}

std::shared_ptr<certificate_chain const> client_certificate::present()
{
    std::lock_guard const lock(mutex_);
    auto const certificate = stamp_of(options_.certificate_file);
    auto const key = stamp_of(options_.key_file);
    if (certificate == certificate_read_ && key == key_read_)
        return chain_;
    auto read = read_chain(options_);
    if (!read)
        return chain_;
    certificate_read_ = certificate;
    key_read_ = key;
    chain_ = std::move(*read);
    return chain_;
}

} // namespace coauth::net
