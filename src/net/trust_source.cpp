#include "net/trust_source.hpp"

#include "crypto/digest.hpp"
#include "net/certificate_verification.hpp"
#include "net/trust_pem.hpp"
#include "values/make_error.hpp"

#include <openssl/x509_vfy.h>

#include <new>
#include <string_view>
#include <utility>

namespace coauth::net
{
namespace
{

tls_options trust_alone(tls_options const& options)
{
    tls_options trust;
    trust.ca_file = options.ca_file;
    trust.ca_pem = options.ca_pem;
    trust.system_trust_store = options.system_trust_store;
    trust.crl_pem = options.crl_pem;
    trust.crl_file = options.crl_file;
    trust.session_resumption = options.session_resumption;
    trust.groups = options.groups;
    return trust;
}

bool trusts_system(tls_options const& options)
{
    return options.system_trust_store || (options.ca_file.empty() && options.ca_pem.empty());
}

std::string name_of(char const* option, std::string const& path)
{
    return std::string(option) + " '" + path + "'";
}

// Reads the file of an option, if it is set.
result<secret> read_trust_file(char const* option, std::string const& path)
{
    if (path.empty())
        return secret();
    // Revocation lists of large CAs have tens of megabytes.
    detail::watched_file const file(
        path, {.subject = option,
               .advice = "give the path of a PEM file",
               .max_size = std::size_t(128) * 1024 * 1024});
    auto contents = file.read();
    if (!contents)
        return contents.error();
    return std::move(contents->text);
}

result<void> add_all_certificates(X509_STORE* store, std::string_view pem, std::string const& name)
{
    auto const added = add_certificates(store, pem, name);
    if (!added)
        return added.error();
    if (*added)
        return {};
    return detail::config_error(
        name + " holds no PEM certificate; it must contain -----BEGIN CERTIFICATE-----");
}

// From now on all certificates of a chain have to be covered.
result<void> add_all_lists(X509_STORE* store, std::string_view pem, std::string const& name)
{
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    auto const added = add_revocation_lists(store, pem, name);
    if (!added)
        return added.error();
    if (*added)
        return {};
    return detail::config_error(
        name + " holds no PEM revocation list; it must contain -----BEGIN X509 CRL-----");
}

} // namespace

std::string trust_source::contents::fingerprint() const
{
    std::string digests;
    for (std::string_view const part :
         {ca_file.view(), crl_file.view(), system.bundle.view(), std::string_view(system.listing)})
        digests += crypto::sha256(part);
    return digests;
}

trust_source::trust_source(tls_options const& options) : options_(trust_alone(options))
{
    if (trusts_system(options_))
        system_.emplace();
}

detail::watched_files trust_source::files() const
{
    auto paths = system_ ? system_->paths() : std::vector<std::string>();
    paths.push_back(options_.ca_file);
    paths.push_back(options_.crl_file);
    return detail::watched_files(std::move(paths));
}

result<trust_source::contents> trust_source::read() const
{
    contents read;
    auto ca = read_trust_file("tls.ca_file", options_.ca_file);
    if (!ca)
        return ca.error();
    read.ca_file = std::move(*ca);
    auto crl = read_trust_file("tls.crl_file", options_.crl_file);
    if (!crl)
        return crl.error();
    read.crl_file = std::move(*crl);
    if (!system_)
        return read;
    auto system = system_->read();
    if (!system)
        return system.error();
    read.system = std::move(*system);
    return read;
}

result<trust_store_ptr> trust_source::make_store(contents const& from) const
{
    trust_store_ptr store(X509_STORE_new());
    if (!store)
        throw std::bad_alloc();
    auto* const to = store.get();
    result<void> added;
    if (system_)
        added =
            system_->add_to(to, from.system, options_.ca_file.empty() && options_.ca_pem.empty());
    if (added && !options_.ca_file.empty())
        added =
            add_all_certificates(to, from.ca_file.view(), name_of("tls.ca_file", options_.ca_file));
    if (added && !options_.ca_pem.empty())
        added = add_all_certificates(to, options_.ca_pem, "tls.ca_pem");
    if (added && !options_.crl_file.empty())
        added = add_all_lists(to, from.crl_file.view(), name_of("tls.crl_file", options_.crl_file));
    if (added && !options_.crl_pem.empty())
        added = add_all_lists(to, options_.crl_pem, "tls.crl_pem");
    if (!added)
        return added.error();
    // Every certificate of a store is a trust anchor, also an intermediate CA: as in Go, Java and
    // curl. Not with revocation lists: OpenSSL looks for the list of the anchor too, whose issuer
    // is not part of a chain that ends there.
    if (options_.crl_file.empty() && options_.crl_pem.empty())
        X509_STORE_set_flags(to, X509_V_FLAG_PARTIAL_CHAIN);
    parse_certificates(to);
    return store;
}

} // namespace coauth::net
