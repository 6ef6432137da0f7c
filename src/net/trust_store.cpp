#include "net/trust_store.hpp"

#include "crypto/openssl_error.hpp"
#include "values/make_error.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <new>
#include <utility>

namespace coauth::net
{
namespace
{

using certificate_ptr = crypto::openssl_ptr<X509>;
using crl_ptr = crypto::openssl_ptr<X509_CRL>;
using bio_ptr = crypto::openssl_ptr<BIO>;

bio_ptr memory_bio(std::string const& text)
{
    return bio_ptr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Returns the number of certificates added. Text between them is skipped.
int add_certificates(X509_STORE* store, std::string const& pem)
{
    int added = 0;
    crypto::clear_errors();
    auto const bio = memory_bio(pem);
    while (bio)
    {
        certificate_ptr const certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
        if (!certificate)
            break;
        added += X509_STORE_add_cert(store, certificate.get());
    }
    // The end of the text leaves an error too.
    crypto::throw_if_out_of_memory();
    return added;
}

int add_revocation_lists(X509_STORE* store, std::string const& pem)
{
    int added = 0;
    crypto::clear_errors();
    auto const bio = memory_bio(pem);
    while (bio)
    {
        crl_ptr const crl(PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr));
        if (!crl)
            break;
        added += X509_STORE_add_crl(store, crl.get());
    }
    crypto::throw_if_out_of_memory();
    return added;
}

// OpenSSL parses a certificate's key and extensions once, and caches a failure that came from a
// lack of memory.
bool is_readable(X509* certificate)
{
    return X509_check_purpose(certificate, -1, 0) == 1 && X509_get0_pubkey(certificate) != nullptr;
}

// Parses all certificates before the store is shared.
void parse_certificates(X509_STORE* store)
{
    crypto::clear_errors();
    STACK_OF(X509_OBJECT)* const objects = X509_STORE_get0_objects(store);
    for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i)
        if (X509* const certificate = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i)))
            (void)is_readable(certificate);
    crypto::throw_if_out_of_memory();
}

// A copy that is parsed more completely; null: the certificate is complete itself.
certificate_ptr complete_copy(X509* certificate)
{
    certificate_ptr copy(X509_dup(certificate));
    bool const more = copy && is_readable(copy.get()) &&
                      (!is_readable(certificate) || X509_get_extension_flags(certificate) !=
                                                        X509_get_extension_flags(copy.get()));
    return more ? std::move(copy) : nullptr;
}

// Replaces incomplete certificates that may be the issuer; those of a directory are loaded when
// they are needed. Returns whether there were any.
bool repair_issuers(X509_STORE* store, X509 const* issued)
{
    bool repaired = false;
    X509_STORE_lock(store);
    STACK_OF(X509_OBJECT)* const objects = X509_STORE_get0_objects(store);
    for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i)
    {
        X509_OBJECT* const object = sk_X509_OBJECT_value(objects, i);
        X509* const issuer = X509_OBJECT_get0_X509(object);
        if (issuer == nullptr ||
            X509_NAME_cmp(X509_get_subject_name(issuer), X509_get_issuer_name(issued)) != 0)
            continue;
        if (auto const copy = complete_copy(issuer))
            repaired = X509_OBJECT_set1_X509(object, copy.get()) == 1 || repaired;
    }
    X509_STORE_unlock(store);
    return repaired;
}

bool lacked_memory_for(X509_STORE_CTX* verification, STACK_OF(X509) * certificates)
{
    bool lacked = false;
    for (int i = 0; i < sk_X509_num(certificates); ++i)
    {
        X509* const certificate = sk_X509_value(certificates, i);
        lacked = complete_copy(certificate) || lacked;
        lacked = repair_issuers(X509_STORE_CTX_get0_store(verification), certificate) || lacked;
    }
    return lacked;
}

// A failure that follows from a lack of memory says nothing about the server.
int verify(X509_STORE_CTX* verification, void* /*unused*/)
{
    if (X509_verify_cert(verification) == 1)
        return 1;
    bool const in_chain = lacked_memory_for(verification, X509_STORE_CTX_get0_chain(verification));
    if (lacked_memory_for(verification, X509_STORE_CTX_get0_untrusted(verification)) || in_chain)
        X509_STORE_CTX_set_error(verification, X509_V_ERR_OUT_OF_MEM);
    return 0;
}

// X509_STORE_set_default_paths, but a lack of memory is reported.
void add_default_paths(X509_STORE* store)
{
    crypto::clear_errors();
    if (X509_LOOKUP* const file = X509_STORE_add_lookup(store, X509_LOOKUP_file()))
        X509_LOOKUP_load_file(file, nullptr, X509_FILETYPE_DEFAULT);
    crypto::throw_if_out_of_memory();
    if (X509_LOOKUP* const directory = X509_STORE_add_lookup(store, X509_LOOKUP_hash_dir()))
        X509_LOOKUP_add_dir(directory, nullptr, X509_FILETYPE_DEFAULT);
    if (X509_LOOKUP* const others = X509_STORE_add_lookup(store, X509_LOOKUP_store()))
        X509_LOOKUP_add_store(others, nullptr);
    crypto::throw_if_out_of_memory();
}

// OpenSSL does not report that no descriptor was left to read the file.
result<void> load_system_certificates(X509_STORE* store)
{
    add_default_paths(store);
    // A system may have no file but a directory.
    if (sk_X509_OBJECT_num(X509_STORE_get0_objects(store)) != 0)
        return {};
    char const* const environment = ::secure_getenv(X509_get_default_cert_file_env());
    std::string const path = environment != nullptr ? environment : X509_get_default_cert_file();
    errno = 0;
    std::ifstream const file(path);
    if (file || (errno != EMFILE && errno != ENFILE && errno != ENOMEM))
        return {};
    return detail::config_error(
        "the system's trusted certificates in '" + path +
        "' cannot be read; raise the number of files that the process may open");
}

// The system's trust store, shared by all options that add nothing to it.
class system_store
{
public:
    // Returns a reference of the caller's own.
    result<trust_store_ptr> get()
    {
        std::lock_guard const lock(mutex_);
        if (!loaded_)
        {
            trust_store_ptr store(X509_STORE_new());
            if (!store)
                throw std::bad_alloc();
            auto const loaded = load_system_certificates(store.get());
            if (!loaded)
                return loaded.error();
            parse_certificates(store.get());
            loaded_ = std::move(store);
        }
        X509_STORE_up_ref(loaded_.get());
        return trust_store_ptr(loaded_.get());
    }

private:
    std::mutex mutex_;
    trust_store_ptr loaded_;
};

result<trust_store_ptr> make_own_store(tls_options const& options, std::string const& ca_file_text)
{
    trust_store_ptr store(X509_STORE_new());
    if (!store)
        throw std::bad_alloc();
    if (options.system_trust_store)
        if (auto const loaded = load_system_certificates(store.get()); !loaded)
            return loaded.error();
    if (!options.ca_file.empty() && add_certificates(store.get(), ca_file_text) == 0)
        return detail::config_error(
            "tls.ca_file '" + options.ca_file +
            "' holds no PEM certificate; it must contain -----BEGIN CERTIFICATE-----");
    if (!options.ca_pem.empty() && add_certificates(store.get(), options.ca_pem) == 0)
        return detail::config_error(
            "tls.ca_pem holds no PEM certificate; it must contain -----BEGIN CERTIFICATE-----");
    if (!options.crl_pem.empty())
    {
        if (add_revocation_lists(store.get(), options.crl_pem) == 0)
            return detail::config_error("tls.crl_pem holds no PEM revocation list; it must contain "
                                        "-----BEGIN X509 CRL-----");
        X509_STORE_set_flags(store.get(), X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    }
    parse_certificates(store.get());
    return store;
}

bool wants_system_store_alone(tls_options const& options)
{
    return options.ca_file.empty() && options.ca_pem.empty() && options.crl_pem.empty();
}

} // namespace

result<std::string> read_ca_file(tls_options const& options)
{
    auto const& path = options.ca_file;
    if (path.empty())
        return std::string();
    crypto::clear_errors();
    std::ifstream file(path, std::ios::binary);
    std::string text;
    std::array<char, 4096> part{};
    while (file)
    {
        file.read(part.data(), part.size());
        text.append(part.data(), static_cast<std::size_t>(file.gcount()));
    }
    // A stream does not tell a lack of memory from other failures.
    if (!file.eof())
        crypto::throw_if_out_of_memory();
    if (!file.eof() || text.empty())
        return detail::config_error(
            "tls.ca_file '" + path + "' cannot be read or is empty; give the path of a PEM file");
    return text;
}

result<trust_store_ptr>
make_trust_store(tls_options const& options, std::string const& ca_file_text)
{
    static system_store shared;
    return wants_system_store_alone(options) ? shared.get() : make_own_store(options, ca_file_text);
}

void set_verify_callback(ssl_ctx_st* context) noexcept
{
    SSL_CTX_set_cert_verify_callback(context, verify, nullptr);
}

} // namespace coauth::net
