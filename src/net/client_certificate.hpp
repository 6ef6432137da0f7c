#ifndef COAUTH_SRC_NET_CLIENT_CERTIFICATE_HPP
#define COAUTH_SRC_NET_CLIENT_CERTIFICATE_HPP

#include <coauth/client_config.hpp>

#include "values/reloadable.hpp"

#include <cstdint>
#include <memory>
#include <string>

struct ssl_st;

namespace coauth::net
{

// A client's certificate, the intermediate ones up to its CA, and its key.
class certificate_chain
{
public:
    virtual ~certificate_chain() = default;
    // Use it for this connection, before the handshake. Fails if there is no memory, or OpenSSL
    // finds it too weak.
    virtual result<void> use_for(ssl_st* connection) const = 0;
    // An error if it is expired or not valid yet.
    [[nodiscard]] virtual result<void> check_dates() const = 0;
    // SHA-256 of all certificates: sessions of one chain must not be resumed with another.
    [[nodiscard]] virtual std::string const& fingerprint() const noexcept = 0;
};

// The client certificate of TLS options, read again when its files have changed. Safe from any
// thread.
class client_certificate
{
public:
    using chain_ptr = std::shared_ptr<certificate_chain const>;
    using clock = detail::last_good<chain_ptr>::clock;

    explicit client_certificate(tls_options const& options);

    // The certificate to use now, null if the options name none; or why there is none. It is the
    // previous one for a time while the new files are incomplete, or certificate and key do not
    // match.
    result<chain_ptr> current(clock::time_point now = clock::now());
    // Changes with the certificate.
    [[nodiscard]] std::uint64_t generation() const noexcept { return chain_.generation(); }

private:
    tls_options const options_;
    detail::reloadable<certificate_chain const> chain_;
    detail::last_good<chain_ptr> last_good_;
};

} // namespace coauth::net

#endif
