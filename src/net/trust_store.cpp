#include "net/trust_store.hpp"

#include "crypto/openssl_error.hpp"
#include "net/pem_bundle.hpp"
#include "values/make_error.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <new>
#include <string_view>
#include <system_error>
#include <utility>

namespace coauth::net
{
namespace
{

using certificate_ptr = crypto::openssl_ptr<X509>;
using crl_ptr = crypto::openssl_ptr<X509_CRL>;
using bio_ptr = crypto::openssl_ptr<BIO>;

struct file_deleter
{
    void operator()(std::FILE* p) const noexcept { (void)std::fclose(p); }
};
using file_ptr = std::unique_ptr<std::FILE, file_deleter>;

bio_ptr memory_bio(std::string const& text)
{
    return bio_ptr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Calls `add` for every PEM block with one of the labels. `name` names the text in messages.
template <class Add>
result<bool> add_blocks(
    std::string const& pem, std::string const& name, std::initializer_list<std::string_view> labels,
    Add const& add)
{
    auto const blocks = split_pem(pem, name);
    if (!blocks)
        return blocks.error();
    bool any = false;
    for (auto const& block : *blocks)
    {
        if (std::find(labels.begin(), labels.end(), block.label) == labels.end())
            continue;
        crypto::clear_errors();
        bool const added = add(memory_bio(block.text));
        crypto::throw_if_out_of_memory();
        if (!added)
            return damaged_block(block, name);
        any = true;
    }
    return any;
}

result<void> add_certificates(X509_STORE* store, std::string const& pem, std::string const& name)
{
    auto const added = add_blocks(
        pem, name, {PEM_STRING_X509, PEM_STRING_X509_OLD, PEM_STRING_X509_TRUSTED},
        [&](bio_ptr const& bio)
        {
            // With the trust settings of a TRUSTED CERTIFICATE.
            certificate_ptr const certificate(
                bio ? PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr) : nullptr);
            return certificate && X509_STORE_add_cert(store, certificate.get()) == 1;
        });
    if (!added)
        return added.error();
    if (*added)
        return {};
    return detail::config_error(
        name + " holds no PEM certificate; it must contain -----BEGIN CERTIFICATE-----");
}

result<void>
add_revocation_lists(X509_STORE* store, std::string const& pem, std::string const& name)
{
    auto const added = add_blocks(
        pem, name, {PEM_STRING_X509_CRL},
        [&](bio_ptr const& bio)
        {
            crl_ptr const crl(
                bio ? PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr) : nullptr);
            return crl && X509_STORE_add_crl(store, crl.get()) == 1;
        });
    if (!added)
        return added.error();
    if (*added)
        return {};
    return detail::config_error(
        name + " holds no PEM revocation list; it must contain -----BEGIN X509 CRL-----");
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

std::string environment_or(char const* variable, char const* fallback)
{
    char const* const value = ::secure_getenv(variable);
    return value != nullptr ? value : fallback;
}

// Whether OpenSSL would find any certificate there: files are named by a hash, as in "5ed36f99.0".
bool has_hashed_certificate(std::string const& directory)
{
    constexpr std::size_t hash_length = 8;
    std::error_code ec;
    std::filesystem::directory_iterator const end;
    for (std::filesystem::directory_iterator i(directory, ec); !ec && i != end; i.increment(ec))
    {
        auto const name = i->path().filename().string();
        if (name.size() > hash_length + 1 && name[hash_length] == '.' &&
            name.find_first_not_of("0123456789abcdef") == hash_length)
            return true;
    }
    return false;
}

bool any_has_hashed_certificate(std::string_view directories)
{
    while (!directories.empty())
    {
        auto const length = std::min(directories.find(':'), directories.size());
        if (has_hashed_certificate(std::string(directories.substr(0, length))))
            return true;
        directories.remove_prefix(std::min(length + 1, directories.size()));
    }
    return false;
}

// OpenSSL reports neither that there is no trust store nor that no descriptor was left to read it.
result<void> load_system_certificates(X509_STORE* store)
{
    add_default_paths(store);
    if (sk_X509_OBJECT_num(X509_STORE_get0_objects(store)) != 0)
        return {};
    auto const file =
        environment_or(X509_get_default_cert_file_env(), X509_get_default_cert_file());
    errno = 0;
    file_ptr const opened(std::fopen(file.c_str(), "rbe"));
    if (!opened && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
        return detail::config_error(
            "the system's trusted certificates in '" + file +
            "' cannot be read; raise the number of files that the process may open");
    // OpenSSL reads a directory when it looks for an issuer.
    auto const directories =
        environment_or(X509_get_default_cert_dir_env(), X509_get_default_cert_dir());
    if (any_has_hashed_certificate(directories))
        return {};
    return detail::config_error(
        "this system has no trust store: neither the file '" + file + "' nor the directory '" +
        directories +
        "' has a certificate; install the package ca-certificates, set SSL_CERT_FILE, or set "
        "tls.ca_file");
}

// Every certificate of a store is a trust anchor, also an intermediate CA: as in Go, Java and curl.
void set_flags(X509_STORE* store)
{
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
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
            set_flags(store.get());
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

result<void>
add_options(X509_STORE* store, tls_options const& options, std::string const& ca_file_text)
{
    result<void> added;
    if (!options.ca_file.empty())
        added = add_certificates(store, ca_file_text, "tls.ca_file '" + options.ca_file + "'");
    if (added && !options.ca_pem.empty())
        added = add_certificates(store, options.ca_pem, "tls.ca_pem");
    if (added && !options.crl_pem.empty())
    {
        added = add_revocation_lists(store, options.crl_pem, "tls.crl_pem");
        X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    }
    return added;
}

result<trust_store_ptr> make_own_store(tls_options const& options, std::string const& ca_file_text)
{
    trust_store_ptr store(X509_STORE_new());
    if (!store)
        throw std::bad_alloc();
    if (options.system_trust_store)
        if (auto const loaded = load_system_certificates(store.get()); !loaded)
            return loaded.error();
    auto const added = add_options(store.get(), options, ca_file_text);
    if (!added)
        return added.error();
    set_flags(store.get());
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
    std::string text;
    std::array<char, 4096> part{};
    file_ptr const file(std::fopen(path.c_str(), "rbe"));
    while (file && std::feof(file.get()) == 0 && std::ferror(file.get()) == 0)
        text.append(part.data(), std::fread(part.data(), 1, part.size(), file.get()));
    bool const whole = file && std::ferror(file.get()) == 0;
    if (!whole)
        crypto::throw_if_out_of_memory();
    if (!whole || text.empty())
        return detail::config_error(
            "tls.ca_file '" + path + "' cannot be read or is empty; give the path of a PEM file");
    return text;
}

result<trust_store_ptr>
make_trust_store(tls_options const& options, std::string const& ca_file_text)
{
    // Never destroyed: threads may verify certificates while the process exits.
    static auto& shared = *new system_store;
    return wants_system_store_alone(options) ? shared.get() : make_own_store(options, ca_file_text);
}

void set_verify_callback(ssl_ctx_st* context) noexcept
{
    SSL_CTX_set_cert_verify_callback(context, verify, nullptr);
}

} // namespace coauth::net
