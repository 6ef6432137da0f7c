#ifndef COAUTH_AUTHORIZATION_SERVER_HPP
#define COAUTH_AUTHORIZATION_SERVER_HPP

#include <chrono>
#include <string>
#include <vector>

namespace coauth
{

/// How to interpret an unusual `expires_in`.
enum class expires_in_rule
{
    /// The token has no known end: it is valid until a server rejects it.
    unknown,
    /// The callers that waited for the token get it; it is not cached.
    single_use,
    /// The token's lifetime is `expires_in_rules::assumed`.
    assumed,
    /// The response is an error: `errc::malformed_response`.
    malformed,
};

/// How `expires_in` is interpreted where RFC 6749 section 5.1 leaves it open. A plain aggregate.
struct expires_in_rules
{
    /// The response has no `expires_in`.
    expires_in_rule absent = expires_in_rule::unknown;
    /// `expires_in` is zero or negative; also `exp` of an introspection, where `single_use` means
    /// that the token has expired.
    expires_in_rule zero = expires_in_rule::single_use;
    /// `expires_in` is `null` or the text "never" in any case.
    expires_in_rule never = expires_in_rule::unknown;
    /// The lifetime for `expires_in_rule::assumed`.
    std::chrono::seconds assumed{300};

    /// True if all members are equal.
    friend bool operator==(expires_in_rules const&, expires_in_rules const&) = default;
};

/// A set of endpoints. Each is an absolute https URL without user information and fragment; an
/// empty one is not known.
struct server_endpoints
{
    /// The token endpoint (RFC 6749 section 3.2).
    std::string token_endpoint;
    /// The introspection endpoint (RFC 7662).
    std::string introspection_endpoint;
    /// The revocation endpoint (RFC 7009).
    std::string revocation_endpoint;

    /// True if all members are equal.
    friend bool operator==(server_endpoints const&, server_endpoints const&) = default;
};

/// An authorization server: its endpoints and what it supports. A plain aggregate, written by hand
/// or returned by `async_discover`.
struct authorization_server
{
    /// The token endpoint (RFC 6749 section 3.2): an absolute https URL without user information
    /// and fragment. Required, unless `client_config::issuer` is set.
    std::string token_endpoint;
    /// How `expires_in` is interpreted.
    expires_in_rules expires_in = {};
    /// Reject a response without `token_type`, which RFC 6749 section 5.1 requires. Off: such a
    /// token is a Bearer token.
    bool require_token_type = false;
    /// The issuer identifier (RFC 8414 section 2). If set, it is the audience of client assertions,
    /// unless `assertion_options` set another. Empty: not known.
    std::string issuer = {};
    /// The endpoint of `client::async_introspect`. Empty: that operation fails.
    std::string introspection_endpoint = {};
    /// The endpoint of `client::async_revoke`. Empty: that operation fails.
    std::string revocation_endpoint = {};
    /// Replace the endpoints above for a client with a certificate (RFC 8705 section 5).
    server_endpoints mtls_endpoint_aliases = {};
    /// Supported methods of client authentication at the token endpoint, by their names in the
    /// server's metadata, such as "private_key_jwt". Empty, here and below: not known.
    std::vector<std::string> authentication_methods = {};
    /// Supported signature algorithms of client assertions, such as "ES256".
    std::vector<std::string> authentication_algorithms = {};
    /// Supported signature algorithms of DPoP proofs.
    std::vector<std::string> dpop_algorithms = {};
    /// Supported grant types.
    std::vector<std::string> grant_types = {};
    /// Supported methods of client authentication at the introspection endpoint. For a client that
    /// only introspects, copy them to `authentication_methods`.
    std::vector<std::string> introspection_authentication_methods = {};
    /// The same at the revocation endpoint.
    std::vector<std::string> revocation_authentication_methods = {};
    /// Values of `token_type` accepted as Bearer, in any case, such as "BearerToken". Such tokens
    /// have the type Bearer.
    std::vector<std::string> token_type_aliases = {};
    /// The server binds its tokens to the client's certificate: an API accepts them only over TLS
    /// with that certificate (RFC 8705 section 3; `tls_client_certificate_bound_access_tokens`).
    bool certificate_bound_tokens = false;
    /// The URL of the server's public keys, a JSON Web Key Set (RFC 8414 section 2), for
    /// `signed_introspection_options::fetch_jwks`. Empty: not known.
    std::string jwks_uri = {};

    /// True if all members are equal.
    friend bool operator==(authorization_server const&, authorization_server const&) = default;
};

} // namespace coauth

#endif
