#ifndef COAUTH_TESTING_SERVER_OPTIONS_HPP
#define COAUTH_TESTING_SERVER_OPTIONS_HPP

#include <coauth/http_headers.hpp>
#include <coauth/testing/certificate.hpp>
#include <coauth/testing/registered_client.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace coauth::testing
{

/// The kind of server to imitate.
enum class server_flavor
{
    /// RFC 6749: flat errors; Basic credentials are form-encoded.
    rfc6749,
    /// SMS.CX: nested errors with numeric codes; Basic credentials are not encoded.
    smscx,
};

/// What the server does to new connections in place of serving them.
enum class connection_fault
{
    /// Nothing: it serves them.
    none,
    /// Close them at once.
    close_at_accept,
    /// Reset them at once.
    reset_at_accept,
    /// Accept them and send nothing: the TLS handshake hangs.
    silence,
    /// Send `server_options::plain_text` in place of TLS, and nothing more.
    plain_text,
};

/// Whether tokens can be bound to a client's key by DPoP (RFC 9449).
enum class dpop
{
    /// Proofs are ignored.
    off,
    /// A request with a proof gets a bound token; a request without one gets a Bearer token.
    accepted,
    /// A request without a proof is rejected.
    required,
};

/// Whether the TLS handshake requests a client certificate. The handshake never requires it: a
/// client without a certificate has to authenticate in another way.
enum class client_certificates
{
    /// Not requested.
    not_requested,
    /// Requested.
    requested,
    /// Requested only at a second port, which the metadata name (`mtls_endpoint_aliases`, RFC 8705
    /// section 5).
    requested_at_alias,
};

/// Options of the server. A plain aggregate.
struct server_options
{
    /// The kind of server to imitate.
    server_flavor flavor = testing::server_flavor::rfc6749;
    /// The id of the registered client.
    std::string client_id = "client";
    /// The secret of the registered client.
    std::string client_secret = "secret";
    /// The scopes that the client may request. A request without a scope gets all of them.
    std::vector<std::string> scopes = {"read", "write"};
    /// The `expires_in` of the tokens.
    std::chrono::seconds token_lifetime{3600};
    /// The path of the token endpoint.
    std::string path = "/oauth/token";
    /// The loopback address to listen at.
    std::string address = "127.0.0.1";
    /// The port to listen at. 0: any free port.
    std::uint16_t port = 0;
    /// Use TLS. False: plain HTTP.
    bool tls = true;
    /// The kind of certificate that the server makes for itself.
    testing::certificate certificate = testing::certificate::valid;
    /// A certificate of your own as PEM text, used in place of one that the server makes. It may be
    /// followed by the intermediate certificates that the server is to send. Empty: none.
    std::string certificate_pem = {};
    /// The private key of `certificate_pem` as PEM text, not encrypted.
    std::string key_pem = {};
    /// The CA of `certificate_pem` as PEM text: the one that `authorization_server::ca_pem()` and
    /// `config()` return.
    std::string ca_pem = {};
    /// The lowest TLS version, as OpenSSL numbers it (0x0303 is 1.2, 0x0304 is 1.3). 0: any.
    int min_tls_version = 0;
    /// The highest TLS version, numbered likewise. 0: any.
    int max_tls_version = 0;
    /// An OpenSSL cipher list for TLS up to 1.2. Empty: the default.
    std::string ciphers = {};
    /// How long a TLS session can be resumed, in whole seconds. 0: no session can be resumed, and
    /// no ticket is sent.
    std::chrono::seconds session_lifetime{7200};
    /// What the server does to new connections.
    testing::connection_fault connection_fault = testing::connection_fault::none;
    /// The text that `connection_fault::plain_text` sends.
    std::string plain_text = "220 mail.example ESMTP\r\n";

    /// Maximum number of requests that `authorization_server::requests()` returns: the latest ones.
    /// Set a limit for a server that runs for hours. Default: no limit.
    std::size_t remembered_requests = static_cast<std::size_t>(-1);

    /// Further registered clients. One with the id `client_id` adds credentials to that client.
    std::vector<registered_client> clients = {};
    /// The accepted audiences of client assertions. Empty: the issuer and the URL of the token
    /// endpoint, with the address and with "localhost".
    std::vector<std::string> audiences = {};
    /// The path of the issuer's URL, such as "/tenant". It changes the location of the metadata
    /// (RFC 8414 section 3.1), not the endpoints. Empty: no path.
    std::string issuer_path = {};
    /// The path of the introspection endpoint (RFC 7662). Empty: there is none.
    std::string introspection_path = "/oauth/introspect";
    /// The path of the JSON Web Key Set with the key that signs responses to introspection: those
    /// to requests that accept `application/token-introspection+jwt` (RFC 9701). Empty: the server
    /// signs none.
    std::string jwks_path = "/oauth/jwks";
    /// The path of the revocation endpoint (RFC 7009). Empty: there is none.
    std::string revocation_path = "/oauth/revoke";
    /// The accepted grant types. The parameters of "client_credentials", "refresh_token",
    /// "urn:ietf:params:oauth:grant-type:jwt-bearer" and
    /// "urn:ietf:params:oauth:grant-type:token-exchange" are checked. Any other name is an
    /// extension grant, and accepted with any parameters: `received_request::parameter` returns
    /// them.
    std::vector<std::string> grants = {"client_credentials"};
    /// The audiences for which tokens are issued. A request with another one is rejected
    /// (`invalid_target`). Empty: any.
    std::vector<std::string> token_audiences = {};
    /// The accepted types of authorization details (RFC 9396). A request with another one is
    /// rejected (`invalid_authorization_details`), and the response contains what was requested.
    /// Empty: authorization details are ignored.
    std::vector<std::string> authorization_details_types = {};
    /// Header fields that each request must have, as at an API gateway. Without one of them the
    /// response has the status 401 and no OAuth error.
    std::vector<http_header> required_headers = {};
    /// The issuers trusted for the JWT bearer grant. Empty: any assertion is accepted without a
    /// check.
    std::vector<trusted_issuer> assertion_issuers = {};
    /// Refresh tokens of the client `client_id` that are valid from the start.
    std::vector<std::string> refresh_tokens = {};
    /// True: a refresh token is valid once, and each response to one contains a new one.
    bool rotate_refresh_tokens = false;
    /// Whether tokens can be bound by DPoP.
    testing::dpop dpop = testing::dpop::off;
    /// True: a DPoP proof needs the server's nonce (RFC 9449 section 8).
    bool dpop_nonce = false;
    /// Whether the TLS handshake requests a client certificate.
    testing::client_certificates client_certificates = testing::client_certificates::not_requested;
    /// The CAs trusted for tls_client_auth, as PEM text.
    std::string client_ca_pem = {};
    /// The path of an API that accepts the server's tokens, with its metadata (RFC 9728). A request
    /// without a token, or with one that is unknown, expired or for another `resource`, gets status
    /// 401 and a challenge; a token bound by DPoP needs a proof, with the nonce if `dpop_nonce`.
    /// Empty: there is none.
    std::string api_path = "/api";
    /// A scope that the API demands of tokens. Empty: none.
    std::string api_scope = {};
    /// The `acr_values` with which tokens for the API must have been requested (RFC 9470). Empty:
    /// none.
    std::string api_acr_values = {};
    /// The claims that the parameter `claims` of the token request must have had, as a JSON object:
    /// the API demands them as Microsoft Entra does. Empty: none.
    std::string api_claims = {};
};

} // namespace coauth::testing

#endif
