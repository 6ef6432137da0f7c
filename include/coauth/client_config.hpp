#ifndef COAUTH_CLIENT_CONFIG_HPP
#define COAUTH_CLIENT_CONFIG_HPP

#include <coauth/authorization_server.hpp>
#include <coauth/client_authentication.hpp>
#include <coauth/dpop.hpp>
#include <coauth/export.hpp>
#include <coauth/observer.hpp>
#include <coauth/result.hpp>
#include <coauth/secret.hpp>
#include <coauth/secret_function.hpp>
#include <coauth/version.hpp>

#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace coauth
{

/// Whom to trust as the authorization server. Chain and host name are always verified, over
/// TLS 1.3, or 1.2 with ECDHE.
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
    /// The client's own certificate, and those between it and its CA, for servers that ask for it
    /// (RFC 8705): a PEM file, or PEM text. The files are looked at before each request, and read
    /// again when they have changed: the new one is shown from then on, over new connections, and
    /// requests that are under way end with the old one. One that has expired meanwhile is
    /// `errc::invalid_configuration`.
    std::string certificate_file = {};
    std::string certificate_pem = {};
    /// Its private key, likewise; empty: it is in `certificate_file` or `certificate_pem`.
    std::string key_file = {};
    secret key_pem = {};
    /// Asked for only when the key is encrypted.
    secret_function key_passphrase = {};
    /// Resume TLS sessions on new connections to the same server: half the cost of a handshake.
    bool session_resumption = true;
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

/// An address to connect to: "192.0.2.1" or "2001:db8::1", and a port.
struct ip_endpoint
{
    std::string address;
    std::uint16_t port = 0;
};

/// Looks up a host name in place of the system's resolver.
///
/// Has to call `done` once, from any thread, now or later, with the addresses in the order of
/// preference or with what went wrong. It must not block. Further calls are ignored; a `done` that
/// is destroyed uncalled is a failed lookup.
using resolver_function = std::function<void(
    std::string const& host, std::uint16_t port,
    std::function<void(boost::system::error_code, std::vector<ip_endpoint>)> done)>;

/// The connections that a client keeps.
struct connection_options
{
    /// Open at the same time; at least 1. Whoever finds them all busy waits in line.
    std::size_t max_connections = 64;
    /// Operations in that line; one more fails with `errc::too_many_waiting`.
    std::size_t max_waiting = 10'000;
    /// An idle connection is closed after this time, by a thread of the execution context. 0: every
    /// request gets a connection of its own. Idle connections are no outstanding work: while the
    /// context has no other, they stay open until it has, or until the client is used or destroyed.
    /// That also holds for executors other than those of `io_context` and `thread_pool`, and
    /// strands of them.
    std::chrono::milliseconds idle_timeout{30'000};
    /// How long one address is tried before the next is tried beside it (RFC 8305 section 5); at
    /// least 10 ms. For ever: the next is tried when the one before has failed.
    std::chrono::milliseconds connect_stagger{250};
    /// How long the addresses of a name are kept. 0: every new connection looks them up.
    std::chrono::milliseconds lookup_lifetime{30'000};
    /// Empty: the system's resolver.
    resolver_function resolver = {};
};

/// Whether and when a failed request is made again.
///
/// Only what is transient is tried again: no connection, no answer, and the HTTP status 408, 425,
/// 429 and 5xx. The wait is random up to `first_delay`, doubled each time up to `max_delay`; a
/// longer one that the server asks for is obeyed. A wait that does not fit in the deadline is not
/// begun. A refresh token that was sent is sent again only where the server says that it did
/// nothing, by 408, 425, 429 or 503: to a server that replaces them, one that comes twice is
/// stolen. Not counted as an attempt is a kept connection that turns out to be dead, which is
/// replaced at once. A new nonce for DPoP, and credentials that have changed, are each worth one
/// attempt more than `max_attempts`.
struct retry_options
{
    /// Attempts in all; 1: no failure is repeated. The one-shot function makes one, whatever this
    /// says.
    unsigned max_attempts = 3;
    std::chrono::milliseconds first_delay{200};
    std::chrono::milliseconds max_delay{5'000};
    /// The deadline of each attempt, within `client_config::timeout`. 0: none of its own.
    std::chrono::milliseconds attempt_timeout{0};
};

/// An HTTP proxy that is asked for a tunnel (CONNECT, RFC 9110 section 9.3.6). TLS is spoken
/// through it with the authorization server itself.
struct proxy_options
{
    /// "http://host:port". Empty: none.
    std::string url;
    /// Sent to the proxy by HTTP Basic when not empty.
    std::string user;
    secret password;
    /// Where `url` is empty, take the environment's HTTPS_PROXY (or https_proxy) and NO_PROXY (or
    /// no_proxy) when the client is made.
    bool from_environment = false;
};

/// All that a `client` needs to know. A plain aggregate; owns everything it holds.
///
/// Times, here and in all other options: from 0 on, unless another bound is named. The longest that
/// a type holds, such as `std::chrono::milliseconds::max()`, is for ever. What is out of bounds is
/// refused with `errc::invalid_configuration`.
struct client_config
{
    /// Where the token comes from. Required.
    authorization_server server = {};
    /// How the client proves who it is. Required.
    client_authentication authentication = {};
    tls_options tls = {};
    answer_limits limits = {};
    connection_options connections = {};
    retry_options retry = {};
    proxy_options proxy = {};
    /// From the call to its completion, waiting in line and repeated attempts included. At least
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
    /// Proves with each request that the client has a key, to which the tokens are then bound
    /// (RFC 9449). May be shared by several clients. Empty: tokens are bearer tokens.
    std::shared_ptr<dpop_prover> dpop = {};
    /// Told what happens. May be shared by several clients.
    std::shared_ptr<coauth::observer> observer = {};
};

/// Checks what a client checks when it is made, without opening a socket: reads the files of
/// certificates and keys.
///
/// \return Nothing, or `errc::invalid_configuration` with a message that says what to change.
[[nodiscard]] COAUTH_DECL result<void> validate(client_config const& config);

} // namespace coauth

#endif
