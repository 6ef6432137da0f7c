#ifndef COAUTH_CLIENT_CONFIG_HPP
#define COAUTH_CLIENT_CONFIG_HPP

#include <coauth/authorization_server.hpp>
#include <coauth/client_authentication.hpp>
#include <coauth/export.hpp>
#include <coauth/result.hpp>
#include <coauth/secret.hpp>
#include <coauth/secret_provider.hpp>
#include <coauth/version.hpp>

#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coauth
{

class dpop_prover;
class observer;

/// TLS: trusted CAs and the client's certificate. The server's certificate chain and host name are
/// always verified. TLS 1.3 is used, or TLS 1.2 with ECDHE.
struct tls_options
{
    /// A PEM file of trusted CA certificates; each of them is a trust anchor, also an intermediate
    /// CA. If it or `ca_pem` is set, the system's CAs are not trusted, unless `system_trust_store`
    /// is true.
    ///
    /// All files of these options, and the system's trust store, may be replaced while the program
    /// runs. They are checked before each request, or once in a millisecond while others run: new
    /// connections use the new files, idle ones of the old are not reused, running requests finish.
    /// While new files are missing, damaged or do not fit each other, the old ones stay in use for
    /// 5 minutes; then requests fail with `errc::invalid_configuration`. A client that was created
    /// before its files could be used fails in the same way until they can be.
    std::string ca_file;
    /// Trusted CA certificates as PEM text.
    std::string ca_pem;
    /// Trust the system's CA certificates in addition to `ca_file` and `ca_pem`.
    bool system_trust_store = false;
    /// Certificate revocation lists as PEM text. If it or `crl_file` is set, every certificate of
    /// the chain must be covered by a list and not revoked, and the chain must lead to a
    /// self-signed CA. Both empty: revocation is not checked.
    std::string crl_pem;
    /// A PEM file of certificate revocation lists, in addition to `crl_pem`.
    std::string crl_file = {};
    /// A PEM file with the client's certificate and any intermediate certificates, for servers that
    /// request one (RFC 8705). An expired certificate is `errc::invalid_configuration`.
    std::string certificate_file = {};
    /// The same as PEM text.
    std::string certificate_pem = {};
    /// A file with the private key, in any format of `signing_key`. Empty, and `key_pem` empty too:
    /// the key is in `certificate_file` or `certificate_pem`.
    std::string key_file = {};
    /// The private key as text, in any format of `signing_key`.
    secret key_pem = {};
    /// The private key as a URI of OpenSSL's OSSL_STORE, for a key that is held elsewhere:
    /// "pkcs11:token=prod;object=client" in an HSM or a TPM, if a provider for the scheme is
    /// installed and named in openssl.cnf; or "file:/path". The key may stay where it is: OpenSSL
    /// calls the provider for each handshake, in the thread that runs the connection. The URI is
    /// read again when `certificate_file` changes.
    std::string key_uri = {};
    /// Returns the pass-phrase, or the PIN of `key_uri`. Called only if the key is encrypted or
    /// needs it.
    secret_provider key_passphrase = {};
    /// The groups for the key exchange, in order of preference, as a list of OpenSSL's names:
    /// "X25519:P-256". Empty: OpenSSL's default, or `Groups` of openssl.cnf. From OpenSSL 3.5 on
    /// the default begins with a hybrid group against quantum computers, which costs more CPU time
    /// and a second TCP segment.
    std::string groups = {};
    /// Resume TLS sessions on new connections to the same server, for half the cost of a handshake.
    bool session_resumption = true;
};

/// Size limits of a response. A larger one fails with `errc::response_too_large`; it is never
/// truncated.
struct response_limits
{
    /// Bytes of status line and header fields; at least 512.
    std::size_t header = 64 * 1024;
    /// Bytes of body; at least 64.
    std::size_t body = 1024 * 1024;
};

/// An IP address and a port to connect to.
struct ip_endpoint
{
    /// The address as text: "192.0.2.1" or "2001:db8::1".
    std::string address;
    /// The port.
    std::uint16_t port = 0;
};

/// Resolves a host name in place of the system's resolver.
///
/// It must not block, and must call `done` once, from any thread, now or later, with the addresses
/// in order of preference or with an error. Further calls of `done` are ignored. If `done` is
/// destroyed without a call, the lookup has failed.
using resolver_function = std::function<void(
    std::string const& host, std::uint16_t port,
    std::function<void(boost::system::error_code, std::vector<ip_endpoint>)> done)>;

/// The connection pool of a client.
struct connection_options
{
    /// Maximum number of open connections; at least 1. If all are busy, operations queue.
    std::size_t max_connections = 64;
    /// Maximum number of operations waiting for a connection. Further ones fail with
    /// `errc::queue_full`.
    std::size_t max_queued = 10'000;
    /// An idle connection is closed after this time. 0: connections are not reused.
    ///
    /// Idle connections are not outstanding work of the execution context. If the context has no
    /// other work, they stay open until it has, or until the client is used or destroyed. The same
    /// holds for executors other than those of `io_context` and `thread_pool`, and their strands.
    std::chrono::milliseconds idle_timeout{30'000};
    /// A connection that is older is not reused, so that a host name that moves to other addresses
    /// is followed also under load. 0: connections are not reused.
    std::chrono::milliseconds max_age{30'000};
    /// If a reused connection stays silent for this time after a request, the request is sent on a
    /// new connection too, and the first response wins. The other connections that were idle then
    /// are closed: after a silent failure of the network, all of them are dead. At least 10 ms. For
    /// ever: never.
    ///
    /// It is at most half of the time left, and at least twice as long as the last response took.
    /// The second connection does not count in `max_connections`. A grant that is valid once, such
    /// as a refresh token, is never sent twice; it is not sent on a connection that was idle for
    /// longer than a second.
    std::chrono::milliseconds hedging_delay{2'000};
    /// How long to wait for one address before the next is tried in parallel (RFC 8305 section 5).
    /// At least 10 ms. For ever: the next address is tried when the one before has failed.
    std::chrono::milliseconds connection_attempt_delay{250};
    /// How long the addresses of a host name are cached. 0: every new connection looks them up.
    std::chrono::milliseconds dns_cache_ttl{30'000};
    /// Resolves host names. Empty: the system's resolver does.
    resolver_function resolver = {};
};

/// Whether and when a failed request is retried.
///
/// Only transient failures are retried: no connection, no response, and HTTP status 408, 425, 429
/// and 5xx. The delay is random up to `initial_back_off`, and doubles for each retry up to
/// `max_back_off`. If the server requests a longer delay, that is used. A delay that would exceed
/// the deadline is not started: the operation fails at once.
///
/// A refresh token is sent again only if the status says that the server did not process the
/// request (408, 425, 429 or 503): servers that rotate refresh tokens treat a second use as theft.
///
/// If a pooled connection turns out to be closed, it is replaced at once, and this is not an
/// attempt. A new DPoP nonce, and changed credentials, each allow one attempt beyond
/// `max_attempts`.
struct retry_options
{
    /// Maximum number of attempts. 1: no retries. The free function `async_get_access_token` always
    /// makes one.
    unsigned max_attempts = 3;
    /// Upper limit of the first delay.
    std::chrono::milliseconds initial_back_off{200};
    /// Upper limit of every delay, unless the server requests a longer one.
    std::chrono::milliseconds max_back_off{5'000};
    /// Time limit of each attempt, within `client_config::timeout`. 0: no limit of its own.
    std::chrono::milliseconds attempt_timeout{0};
};

/// An HTTP proxy that opens a tunnel (CONNECT, RFC 9110 section 9.3.6). TLS goes through the tunnel
/// to the authorization server itself.
struct proxy_options
{
    /// "http://host:port", or "https://host:port" for a proxy that speaks TLS itself: its
    /// certificate is verified as that of the server, and the client's certificate is not shown to
    /// it. Default port: 80 or 443. Empty: no proxy.
    std::string url;
    /// The user name for the proxy, sent by HTTP Basic. Empty: no authentication.
    std::string user;
    /// The password for the proxy.
    secret password;
    /// If `url` is empty, use the environment variables HTTPS_PROXY (or https_proxy) and NO_PROXY
    /// (or no_proxy), read when the client is created.
    bool from_environment = false;
};

/// Signed responses to introspection (RFC 9701). A plain aggregate.
///
/// If one of the first three members is set, `client::async_introspect` requests a signed response,
/// and accepts no other: signature, issuer and audience are verified. Encrypted responses are not
/// supported.
struct signed_introspection_options
{
    /// The authorization server's public keys: the text of a JSON Web Key Set (RFC 7517 section 5),
    /// which the server publishes at the `jwks_uri` of its metadata.
    std::string jwks = {};
    /// The same in a file, which is read again when it has changed.
    std::string jwks_file = {};
    /// Fetch them from `authorization_server::jwks_uri`, which discovery finds. The first
    /// introspection fetches them, within its own time limit, with the client's trusted CAs and
    /// proxy. They are fetched again when they are a day old, and when a response is signed by a
    /// key that is not among them, at most once a minute.
    bool fetch_jwks = false;
    /// The audience of the response (`aud`): this program, as the server knows it. Empty: the
    /// client id.
    std::string audience = {};
};

/// The configuration of a `client`. A plain aggregate that owns all its members.
///
/// Required are `authentication`, and `server` or `issuer`. A new program should look at the
/// endpoint (`server` or `issuer`), `authentication`, `tls`, `timeout` and `observer`; the defaults
/// of the others suit almost all.
///
/// Times, here and in all other options, start from 0 unless another bound is named. The maximum of
/// a type, such as `std::chrono::milliseconds::max()`, means for ever. A value out of bounds is
/// rejected with `errc::invalid_configuration`.
struct client_config
{
    /// The authorization server: its token endpoint, or the result of `async_discover` for its
    /// issuer. Required, unless `issuer` is set.
    authorization_server server = {};
    /// The issuer of the authorization server, in place of `server.token_endpoint`: the first
    /// operation discovers the endpoints, as `async_discover` does, within its own time limit. They
    /// are read again in the background when they are a day old, and when two responses in a row
    /// say that an endpoint is gone (status 404 or 410); until then, and if that fails, those that
    /// are known remain in use. What is set in `server` takes precedence over what is discovered.
    /// Empty: the endpoints are those in `server`.
    std::string issuer = {};
    /// `discovery_options::expected_issuer`, for `issuer`.
    std::string expected_issuer = {};
    /// How the client authenticates. Required.
    client_authentication authentication = {};
    /// Trusted CAs and the client's certificate. Default: the system's CAs, no certificate.
    tls_options tls = {};
    /// Time limit of an operation, from the call to its completion, including the wait for a
    /// connection and all retries. From 1 ms to 1 hour.
    std::chrono::milliseconds timeout{10'000};
    /// Receives events, for logs and metrics. May be shared by several clients. Empty: no events
    /// are sent.
    std::shared_ptr<coauth::observer> observer = {};

    /// The client's name in events and in the lines of a `log_observer`, such as "billing". Not
    /// sent to the server.
    std::string name = {};
    /// Retries of failed requests.
    retry_options retry = {};
    /// The connection pool and host names.
    connection_options connections = {};
    /// The HTTP proxy.
    proxy_options proxy = {};
    /// Size limits of a response.
    response_limits limits = {};

    /// Signs a DPoP proof for each request, which binds the tokens to its key (RFC 9449). May be
    /// shared by several clients. Empty: tokens are Bearer tokens.
    std::shared_ptr<dpop_prover> dpop = {};
    /// The User-Agent field. Empty: the field is not sent.
    std::string user_agent = "coauth/" COAUTH_VERSION_STRING;
    /// Keep the header fields of responses, for `access_token::headers()` and `error::headers()`.
    bool keep_headers = false;
    /// Called with each request and response as readable text in which all secrets are masked.
    /// Called from the threads that run the executor, possibly several at once; must not block.
    /// Empty: no text is made.
    std::function<void(std::string_view)> debug = {};
    /// Accept `http://` for endpoints at a loopback address (127.0.0.0/8, ::1, localhost), for
    /// tests. Secrets and tokens are then sent unencrypted.
    bool allow_http_loopback = false;
    /// Further header fields of every request, such as the key of an API gateway: names and values.
    /// Not possible are fields that the library sets itself (`Authorization`, `Content-Type`,
    /// `Accept`, `User-Agent`, `DPoP`, ...) and those that frame the message (`Host`,
    /// `Content-Length`, `Connection`, ...). Texts for logs never show the values, but for
    /// `traceparent` and `tracestate`. `token_request::header` sets fields of one request.
    std::vector<std::pair<std::string, secret>> headers = {};
    /// Verifies signed responses to introspection. Default: they are not requested.
    signed_introspection_options signed_introspection = {};
};

/// Validates a configuration as the constructor of `client` does. Reads certificate and key files;
/// opens no socket.
///
/// \return Success; or `errc::invalid_configuration` with a message that says what to change.
[[nodiscard]] COAUTH_DECL result<void> validate(client_config const& config);

} // namespace coauth

#endif
