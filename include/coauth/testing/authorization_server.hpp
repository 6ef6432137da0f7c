#ifndef COAUTH_TESTING_AUTHORIZATION_SERVER_HPP
#define COAUTH_TESTING_AUTHORIZATION_SERVER_HPP

#include <coauth/client_config.hpp>
#include <coauth/export.hpp>
#include <coauth/http_headers.hpp>
#include <coauth/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// A loopback authorization server for tests: link `coauth::testing`. Not for production.
namespace coauth::testing
{

/// In whose manner the server answers.
enum class dialect
{
    /// RFC 6749: flat errors, Basic credentials form-decoded.
    rfc6749,
    /// SMS.CX: nested errors with numeric codes, Basic credentials as they are.
    smscx,
};

/// What the server's certificate is like. A careful client refuses all but the two valid ones.
enum class certificate
{
    /// For localhost, 127.0.0.1 and ::1; ECDSA; issued by the server's own CA through an
    /// intermediate.
    valid,
    /// The same, with an RSA key of 2048 bits.
    valid_rsa,
    expired,
    not_yet_valid,
    self_signed,
    /// Issued by a CA that is not the one in `ca_pem()`.
    unknown_ca,
    /// For another host.
    wrong_host,
    /// The common name is right, the subject alternative name is of another host.
    wrong_alternative_name,
    /// The common name is right, and there is no subject alternative name (RFC 9525 section 2).
    common_name_only,
    /// "127.0.0.1" written as a DNS name.
    ip_as_dns_name,
    /// A bare "*" as the host name.
    bare_wildcard,
    /// "localhost", a NUL and more as the host name.
    nul_in_name,
    /// The intermediate is not sent.
    missing_intermediate,
    /// The intermediate has expired.
    expired_intermediate,
    /// Issued by a certificate that is not a CA.
    issued_by_leaf,
    /// One CA more than the intermediate's path length allows.
    path_too_long,
    /// The intermediate may issue for other hosts only.
    name_constraint,
    /// Usable for clients only (extended key usage).
    client_only,
    /// A 1024-bit RSA key.
    weak_key,
    /// Signed with SHA-1.
    sha1_signature,
};

/// When a connection is given up, instead of serving it.
enum class refuse_connection
{
    no,
    /// Closed as soon as it is accepted.
    close_at_accept,
    /// Reset as soon as it is accepted.
    reset_at_accept,
    /// Accepted and never answered: the TLS handshake hangs.
    silence,
    /// `server_options::plain_text` in place of TLS, and nothing after it.
    plain_text,
};

/// How a scripted answer ends.
enum class ending
{
    /// Keep the connection when the request allows it, else `close`.
    keep_alive,
    /// TLS close_notify, then close. Says so in the header unless `answer::raw` is used.
    close,
    /// Close without TLS close_notify.
    truncate,
    /// Reset the connection.
    reset,
    /// Send nothing more and never close.
    stall,
};

/// One scripted answer. The default is an empty 200.
struct answer
{
    unsigned status = 200;
    http_headers headers = {};
    std::string body = {};
    /// When not empty, exactly these bytes are sent in place of status, headers and body.
    std::string raw = {};
    /// Waited before the first byte.
    std::chrono::milliseconds delay{0};
    /// Send only this many bytes of the answer; 0: nothing.
    std::optional<std::size_t> cut_at = {};
    /// Send in pieces of this many bytes, with `piece_delay` between; 0: in one.
    std::size_t piece = 0;
    std::chrono::milliseconds piece_delay{0};
    /// After it was sent whole, send its bytes from here on again and again, until the peer closes.
    std::optional<std::size_t> repeat_from = {};
    ending end = ending::keep_alive;
    /// Only for requests to this path, whatever their query; empty: for any.
    std::string path = {};

    /// An answer with a JSON body.
    [[nodiscard]] static COAUTH_DECL answer json(unsigned status, std::string body);
    /// Exactly these bytes.
    [[nodiscard]] static COAUTH_DECL answer bytes(std::string raw, ending end = ending::close);
};

/// How a client proves who it is (RFC 6749 section 2.3, OpenID Connect Core section 9, RFC 8705).
enum class authentication_method
{
    /// By nothing, or by a client_id alone.
    none,
    client_secret_basic,
    client_secret_post,
    /// An assertion with a HMAC of the client's secret.
    client_secret_jwt,
    /// An assertion signed with the client's private key.
    private_key_jwt,
    /// A certificate of a CA, for the client's subject.
    tls_client_auth,
    /// The very certificate that is registered.
    self_signed_tls_client_auth,
};

/// The name as metadata has it, as in "private_key_jwt".
[[nodiscard]] COAUTH_DECL std::string_view to_string(authentication_method method) noexcept;

/// One request as the server received it.
struct received_request
{
    std::string method;
    std::string target;
    http_headers headers;
    std::string body;
    /// All of it, byte for byte.
    std::string bytes;
    /// How many requests its connection had carried before.
    unsigned earlier_on_connection = 0;
    /// How the client tried to prove who it is, whether or not it succeeded.
    authentication_method authentication = authentication_method::none;
    /// The client that it said it is.
    std::string client_id = {};
    /// SHA-256 of the client's certificate in base64url, as in `x5t#S256` (RFC 8705 section 3.1);
    /// empty: none was shown.
    std::string client_certificate_thumbprint = {};
    /// The thumbprint (RFC 7638) of the key in its DPoP proof, right or not; empty: none was there.
    std::string dpop_thumbprint = {};
};

/// A client, and what it proves itself by. What is empty does not prove anything; a
/// client with nothing at all is public, and has its id alone to say.
struct registered_client
{
    std::string id;
    /// For Basic and in the body.
    std::string secret = {};
    /// For client_secret_jwt.
    std::string assertion_secret = {};
    /// For private_key_jwt: PEM text of a public key or of a certificate each.
    std::vector<std::string> public_keys = {};
    /// For self_signed_tls_client_auth: PEM text of a certificate each.
    std::vector<std::string> certificates = {};
    /// For tls_client_auth: the subject as RFC 4514 writes it and as
    /// `openssl x509 -subject -nameopt RFC2253` prints it, as in "CN=client,O=Example".
    std::string subject = {};
};

/// Whose assertions are grants (RFC 7523 section 2.1).
struct trusted_issuer
{
    std::string issuer;
    /// PEM text of a public key or of a certificate each.
    std::vector<std::string> public_keys;
};

/// Whether tokens can be bound to a client's key by DPoP (RFC 9449).
enum class dpop
{
    /// Proofs are ignored.
    off,
    /// A request with a proof gets a bound token, one without a Bearer token.
    accepted,
    /// A request without a proof is refused.
    required,
};

/// Whether clients are asked for a certificate in the TLS handshake. It is never demanded there: a
/// client that shows none has to prove itself in another way.
enum class client_certificates
{
    not_asked,
    asked,
    /// At a second port alone, which the metadata names (`mtls_endpoint_aliases`, RFC 8705
    /// section 5).
    asked_at_alias,
};

/// How the server behaves.
struct server_options
{
    testing::dialect dialect = testing::dialect::rfc6749;
    std::string client_id = "client";
    std::string client_secret = "secret";
    /// The scopes that the client may ask for; a request without scope is granted all.
    std::vector<std::string> scopes = {"read", "write"};
    /// The `expires_in` of its tokens.
    std::chrono::seconds token_lifetime{3600};
    /// Path of the token endpoint.
    std::string path = "/oauth/token";
    /// The loopback address to listen at.
    std::string address = "127.0.0.1";
    /// 0: any free port.
    std::uint16_t port = 0;
    /// Serve TLS; false: plain HTTP.
    bool tls = true;
    testing::certificate certificate = testing::certificate::valid;
    /// The TLS versions spoken, as OpenSSL numbers them (0x0303 is 1.2, 0x0304 is 1.3); 0: any.
    int min_tls_version = 0;
    int max_tls_version = 0;
    /// A cipher list in OpenSSL's words for TLS up to 1.2; empty: the default.
    std::string ciphers = {};
    /// How long a TLS session can be resumed, in whole seconds as TLS counts them. 0: it cannot,
    /// and no ticket is given out.
    std::chrono::seconds session_lifetime{7200};
    /// What is done with new connections.
    testing::refuse_connection refuse = testing::refuse_connection::no;
    /// What `refuse_connection::plain_text` sends.
    std::string plain_text = "220 mail.example ESMTP\r\n";

    /// Clients beside `client_id`; one of the same id adds to what that client proves itself by.
    std::vector<registered_client> clients = {};
    /// The `aud` values of which client assertions need one; empty: the issuer and the URL of the
    /// token endpoint, by the address and by "localhost".
    std::vector<std::string> audiences = {};
    /// The path of the issuer's URL, as in "/tenant"; empty: none. It moves the metadata (RFC 8414
    /// section 3.1), not the endpoints.
    std::string issuer_path = {};
    /// Paths of the introspection (RFC 7662) and revocation endpoints (RFC 7009); empty: none.
    std::string introspection_path = "/oauth/introspect";
    std::string revocation_path = "/oauth/revoke";
    /// The grant types accepted, of: "client_credentials", "refresh_token",
    /// "urn:ietf:params:oauth:grant-type:jwt-bearer" and
    /// "urn:ietf:params:oauth:grant-type:token-exchange".
    std::vector<std::string> grants = {"client_credentials"};
    /// For the JWT bearer grant; empty: any assertion is taken, unread.
    std::vector<trusted_issuer> assertion_issuers = {};
    /// Refresh tokens of the client `client_id` that are good from the start.
    std::vector<std::string> refresh_tokens = {};
    /// Whether a refresh token is good once, and a new one comes with each answer to one.
    bool rotate_refresh_tokens = false;
    testing::dpop dpop = testing::dpop::off;
    /// Whether a proof needs the server's nonce (RFC 9449 section 8).
    bool dpop_nonce = false;
    testing::client_certificates client_certificates = testing::client_certificates::not_asked;
    /// The CAs that tls_client_auth trusts, as PEM text.
    std::string client_ca_pem = {};
};

/// An authorization server on a loopback address, with a thread of its own.
///
/// It makes its CA and its certificates when it starts; it checks method, path, grant, credentials
/// and scope as a real one does; what it is told to answer it answers instead. Beside the token
/// endpoint it has metadata (at /.well-known/oauth-authorization-server and
/// /.well-known/openid-configuration), introspection and revocation. All functions may be called
/// from any thread. Destruction closes every connection and waits for the thread.
class COAUTH_DECL authorization_server
{
public:
    /// Starts a server. Fails with `errc::connect_failed` when address and port cannot be had, and
    /// with `errc::tls_failed` when the TLS options cannot be met.
    [[nodiscard]] static result<authorization_server> start(server_options options = {});

    authorization_server(authorization_server&&) noexcept;
    authorization_server& operator=(authorization_server&&) noexcept;
    ~authorization_server();

    [[nodiscard]] std::uint16_t port() const noexcept;
    /// "https://127.0.0.1:PORT/oauth/token"; with `host` in place of the address when given.
    [[nodiscard]] std::string token_endpoint(std::string const& host = {}) const;
    /// What the metadata says as `issuer`: "https://127.0.0.1:PORT" and `issuer_path`.
    [[nodiscard]] std::string issuer() const;
    [[nodiscard]] std::string introspection_endpoint() const;
    [[nodiscard]] std::string revocation_endpoint() const;
    /// Where clients are asked for certificates; the same as `port()` unless that is an alias.
    [[nodiscard]] std::uint16_t mtls_port() const noexcept;
    [[nodiscard]] std::string mtls_token_endpoint() const;
    /// The certificate of the CA to trust.
    [[nodiscard]] std::string const& ca_pem() const noexcept;
    /// The certificate revocation lists of that CA and of its intermediate; the server's own
    /// certificate is on the latter's, unless `revoked` is false.
    [[nodiscard]] std::string crl_pem(bool revoked = true) const;
    /// A configuration with which a client gets a token from this server.
    [[nodiscard]] client_config config() const;

    /// One request gets this answer: the next one to its path, after those pushed before.
    void push(answer a);
    /// Every request to its path gets this one, when none is pushed.
    void always(answer a);
    /// Forgets all scripted answers.
    void unscript();

    /// Changes the key of its session tickets: no TLS session made before can be resumed, and
    /// whoever offers one is led through a full handshake.
    void forget_sessions();
    /// Changes the nonce that DPoP proofs need: clients learn the new one from the next answer.
    void renew_dpop_nonce();

    /// The requests received so far, whole ones only.
    [[nodiscard]] std::vector<received_request> requests() const;
    /// How many connections were accepted, TLS handshakes completed, and completed by resumption.
    [[nodiscard]] std::size_t connections() const noexcept;
    [[nodiscard]] std::size_t handshakes() const noexcept;
    [[nodiscard]] std::size_t resumed() const noexcept;
    /// How many bytes of requests came, as counted within TLS, and how many were sent in answer.
    [[nodiscard]] std::size_t bytes_received() const noexcept;
    [[nodiscard]] std::size_t bytes_sent() const noexcept;
    /// The host name that the last TLS client asked for (SNI); empty when it sent none.
    [[nodiscard]] std::string server_name() const;

    /// Waits until so many connections, or whole requests, have come since the start. False when
    /// `limit` passed first.
    bool wait_for_connections(
        std::size_t count, std::chrono::milliseconds limit = std::chrono::seconds(10)) const;
    bool wait_for_requests(
        std::size_t count, std::chrono::milliseconds limit = std::chrono::seconds(10)) const;

private:
    class state;
    explicit authorization_server(std::unique_ptr<state> s) noexcept;
    std::unique_ptr<state> state_;
};

} // namespace coauth::testing

#endif
