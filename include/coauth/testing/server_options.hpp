#ifndef COAUTH_TESTING_SERVER_OPTIONS_HPP
#define COAUTH_TESTING_SERVER_OPTIONS_HPP

#include <coauth/testing/certificate.hpp>
#include <coauth/testing/registered_client.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

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

    /// How many requests `authorization_server::requests()` knows, the latest ones: a server that
    /// runs for hours needs a limit.
    std::size_t remembered_requests = static_cast<std::size_t>(-1);

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

} // namespace coauth::testing

#endif
