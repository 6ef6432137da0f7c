#ifndef COAUTH_SRC_NET_CLIENT_CERTIFICATE_HPP
#define COAUTH_SRC_NET_CLIENT_CERTIFICATE_HPP

#include <coauth/client_config.hpp>

#include "crypto/key_files.hpp"

#include <memory>
#include <mutex>
#include <string>

struct ssl_st;

namespace coauth::net
{

// A client's certificate, the intermediate ones up to its CA, and its key.
class certificate_chain
{
public:
    virtual ~certificate_chain() = default;
    // Use it for this connection, before the handshake. False: there was no memory.
    virtual bool use_for(ssl_st* connection) const = 0;
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
    // Null: the options name none.
    static result<std::shared_ptr<client_certificate>> load(tls_options const& options);

    explicit client_certificate(tls_options const& options);

    // The certificate to use now: the previous one while the new files are incomplete, or
    // certificate and key do not match.
    std::shared_ptr<certificate_chain const> current();

private:
    tls_options const options_;
    crypto::key_files const files_;
    std::mutex mutex_;
    crypto::key_files::versions versions_;
    std::shared_ptr<certificate_chain const> chain_;
};

} // namespace coauth::net

#endif
