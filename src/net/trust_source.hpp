#ifndef COAUTH_SRC_NET_TRUST_SOURCE_HPP
#define COAUTH_SRC_NET_TRUST_SOURCE_HPP

#include <coauth/client_config.hpp>

#include "crypto/openssl_ptr.hpp"
#include "net/system_trust.hpp"
#include "values/watched_files.hpp"

#include <optional>
#include <string>

namespace coauth::net
{

using trust_store_ptr = crypto::openssl_ptr<X509_STORE>;

// What TLS options trust: CA certificates and revocation lists, as text, in files and of the
// system. Immutable; may be used from any thread.
class trust_source
{
public:
    // What the files say.
    struct contents
    {
        secret ca_file;
        secret crl_file;
        system_trust::contents system;

        // A digest of all of it.
        [[nodiscard]] std::string fingerprint() const;
    };

    explicit trust_source(tls_options const& options);

    [[nodiscard]] tls_options const& options() const noexcept { return options_; }
    [[nodiscard]] detail::watched_files files() const;
    [[nodiscard]] result<contents> read() const;
    // Throws `std::bad_alloc`.
    [[nodiscard]] result<trust_store_ptr> make_store(contents const& from) const;

private:
    // Those that concern trust alone: nothing secret.
    tls_options options_;
    std::optional<system_trust> system_;
};

} // namespace coauth::net

#endif
