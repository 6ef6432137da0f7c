#ifndef COAUTH_CLIENT_CONFIG_HPP
#define COAUTH_CLIENT_CONFIG_HPP

#include <coauth/authorization_server.hpp>
#include <coauth/client_authentication.hpp>
#include <coauth/export.hpp>
#include <coauth/observer.hpp>
#include <coauth/result.hpp>
#include <coauth/version.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace coauth
{

/// Whom to trust as the authorization server. Chain and host name are always verified.
struct tls_options
{
    /// A PEM file of trusted CA certificates. With it, or with `ca_pem`, only these are trusted,
    /// unless `system_trust_store` is also asked for.
    std::string ca_file;
    /// Trusted CA certificates as PEM text.
    std::string ca_pem;
    /// Trust the system's CA certificates beside those given here.
    bool system_trust_store = false;
    /// Certificate revocation lists as PEM text; with them every certificate of the chain must be
    /// covered and not revoked. Without them revocation is not checked.
    std::string crl_pem;
};

/// How much a server may send. More is refused with `errc::answer_too_large`, never cut.
struct answer_limits
{
    /// Bytes of status line and header fields; at least 512.
    std::size_t header = 64 * 1024;
    /// Bytes of body; at least 64.
    std::size_t body = 1024 * 1024;
    /// Interim (1xx) answers before the real one.
    unsigned interim = 16;
};

/// All that a `client` needs to know. A plain aggregate; owns everything it holds.
struct client_config
{
    /// Where the token comes from. Required.
    authorization_server server = {};
    /// How the client proves who it is. Required.
    client_authentication authentication = {};
    tls_options tls = {};
    answer_limits limits = {};
    /// From the call to its completion: lookup, connect, TLS, request and answer together. At least
    /// 1 ms; at most 1 hour.
    std::chrono::milliseconds timeout{10'000};
    /// The User-Agent field. Empty: none is sent.
    std::string user_agent = "coauth/" COAUTH_VERSION_STRING;
    /// Accept `http://` for a token endpoint at a loopback address (127.0.0.0/8, ::1, localhost),
    /// for tests. Everything then travels in the clear.
    bool allow_http_loopback = false;
    /// Keep the header fields of the answer: `access_token::headers()`, `error::headers()`.
    bool keep_headers = false;
    /// Gets the request and the answer as readable text with every secret masked. Called from the
    /// threads that run the executor; must not block. Empty: nothing is made.
    std::function<void(std::string_view)> debug = {};
    /// Told what happens. May be shared by several clients.
    std::shared_ptr<coauth::observer> observer = {};
};

/// Checks every rule of the configuration that needs no network, without opening a socket: reads
/// `tls.ca_file`.
///
/// \return Nothing, or `errc::invalid_configuration` with a message that says what to change.
[[nodiscard]] COAUTH_DECL result<void> validate(client_config const& config);

} // namespace coauth

#endif
