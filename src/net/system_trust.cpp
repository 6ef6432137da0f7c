#include "net/system_trust.hpp"

#include "crypto/openssl_error.hpp"
#include "net/certificate_index.hpp"
#include "net/trust_pem.hpp"
#include "values/make_error.hpp"
#include "values/watched_file.hpp"

#include <openssl/x509_vfy.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <unistd.h>

namespace coauth::net
{
namespace
{

// Null in a program that has more rights than its user, who sets the variables.
char const* trusted_environment(char const* variable) noexcept
{
#ifdef __linux__
    return ::secure_getenv(variable);
#else
    return ::issetugid() != 0 ? nullptr : std::getenv(variable);
#endif
}

std::string environment_or(char const* variable, char const* fallback)
{
    char const* const value = trusted_environment(variable);
    return value != nullptr ? value : fallback;
}

std::vector<std::string> split(std::string_view list)
{
    std::vector<std::string> parts;
    while (!list.empty())
    {
        auto const length = std::min(list.find(':'), list.size());
        if (length != 0)
            parts.emplace_back(list.substr(0, length));
        list.remove_prefix(std::min(length + 1, list.size()));
    }
    return parts;
}

// As in "5ed36f99.0".
bool is_hashed(std::string_view name)
{
    constexpr std::size_t hash_length = 8;
    return name.size() > hash_length + 1 &&
           name.find_first_not_of("0123456789abcdef") == hash_length && name[hash_length] == '.';
}

// Appends a line for each file. Returns whether OpenSSL would find any certificate there.
bool append_listing(std::string const& directory, std::string& listing)
{
    std::vector<std::string> lines;
    bool any = false;
    std::error_code ec;
    std::filesystem::directory_iterator const end;
    for (std::filesystem::directory_iterator i(directory, ec); !ec && i != end; i.increment(ec))
    {
        auto const name = i->path().filename().string();
        auto const stamp = detail::watched_file(i->path().string(), {}).current_version().stamp;
        any = any || is_hashed(name);
        lines.push_back(
            name + ' ' + std::to_string(stamp.device) + ' ' + std::to_string(stamp.inode) + ' ' +
            std::to_string(stamp.size) + ' ' + std::to_string(stamp.seconds) + ' ' +
            std::to_string(stamp.nanoseconds) + '\n');
    }
    std::sort(lines.begin(), lines.end());
    for (auto const& line : lines)
        listing += line;
    return any;
}

bool is_too_many_files(boost::system::error_code const& cause)
{
    return cause == boost::system::errc::too_many_files_open ||
           cause == boost::system::errc::too_many_files_open_in_system;
}

// Makes OpenSSL look into the directories for an issuer.
void add_lookups(X509_STORE* store, std::string const& directories)
{
    crypto::clear_errors();
    if (X509_LOOKUP* const by_hash = X509_STORE_add_lookup(store, X509_LOOKUP_hash_dir()))
        X509_LOOKUP_add_dir(by_hash, directories.c_str(), X509_FILETYPE_PEM);
    if (X509_LOOKUP* const others = X509_STORE_add_lookup(store, X509_LOOKUP_store()))
        X509_LOOKUP_add_store(others, nullptr);
    crypto::throw_if_out_of_memory();
}

} // namespace

system_trust::system_trust()
    : bundle_(environment_or(X509_get_default_cert_file_env(), X509_get_default_cert_file()))
    , directory_list_(environment_or(X509_get_default_cert_dir_env(), X509_get_default_cert_dir()))
{
    directories_ = split(directory_list_);
}

std::vector<std::string> system_trust::paths() const
{
    auto all = directories_;
    all.push_back(bundle_);
    return all;
}

result<system_trust::contents> system_trust::read() const
{
    contents read;
    detail::watched_file const file(
        bundle_, {.subject = "the system's trust store",
                  .max_size = std::size_t(128) * 1024 * 1024,
                  .may_be_empty = true});
    auto bundle = file.read();
    if (bundle)
        read.bundle = std::move(bundle->text);
    else if (is_too_many_files(bundle.error().cause()))
        return detail::config_error(
            "the system's trusted certificates in '" + bundle_ +
            "' cannot be read; raise the number of files that the process may open");
    else if (!bundle.error().cause() && !bundle_.empty())
        return bundle.error();
    for (auto const& directory : directories_)
        read.any_in_directories =
            append_listing(directory, read.listing) || read.any_in_directories;
    return read;
}

result<void> system_trust::add_to(X509_STORE* store, contents const& from, bool alone) const
{
    auto const name = "the system's trust store '" + bundle_ + "'";
    // OpenSSL does not look for more certificates of a subject that the store has already.
    auto const added = alone ? index_certificates(store, from.bundle.view(), name)
                             : add_certificates(store, from.bundle.view(), name);
    if (!added)
        return added.error();
    if (from.bundle.view().find("X509 CRL") != std::string_view::npos)
        if (auto const lists = add_revocation_lists(store, from.bundle.view(), name); !lists)
            return lists.error();
    add_lookups(store, directory_list_);
    if (*added || from.any_in_directories)
        return {};
    return detail::config_error(
        "this system has no trust store: neither the file '" + bundle_ + "' nor the directory '" +
        directory_list_ +
        "' has a certificate; install the package ca-certificates, set SSL_CERT_FILE, or set "
        "tls.ca_file");
}

} // namespace coauth::net
