#ifndef COAUTH_AUTHORIZATION_SERVER_HPP
#define COAUTH_AUTHORIZATION_SERVER_HPP

#include <chrono>
#include <string>
#include <vector>

namespace coauth
{

/// What an unusual `expires_in` means.
enum class lifetime_meaning
{
    /// The token has no known end: it is good until it is refused.
    no_known_end,
    /// The token may be used by those who waited for it, and is not kept.
    use_once,
    /// The token lives for `lifetime_rules::assumed`.
    assumed,
    /// The answer is refused with `errc::malformed_answer`.
    malformed,
};

/// How a server says how long a token lives (RFC 6749 section 5.1 leaves it open).
struct lifetime_rules
{
    /// There is no `expires_in`.
    lifetime_meaning absent = lifetime_meaning::no_known_end;
    /// It is zero or negative.
    lifetime_meaning zero = lifetime_meaning::use_once;
    /// It is `null` or the word "never" in any case.
    lifetime_meaning never = lifetime_meaning::no_known_end;
    /// The life that `lifetime_meaning::assumed` stands for.
    std::chrono::seconds assumed{300};
};

/// Endpoints beside each other: those of a server, or their aliases for clients with a certificate.
struct server_endpoints
{
    /// The absolute URL of each: https, no user information, no fragment. Empty: not known.
    std::string token_endpoint;
    /// RFC 7662.
    std::string introspection_endpoint;
    /// RFC 7009.
    std::string revocation_endpoint;
};

/// What is known of an authorization server. Written by hand, or found by `async_discover`.
struct authorization_server
{
    /// The absolute URL of the token endpoint (RFC 6749 section 3.2): https, no user information,
    /// no fragment. Required.
    std::string token_endpoint;
    /// How it says how long a token lives.
    lifetime_rules lifetimes = {};
    /// Refuse an answer without `token_type`, as RFC 6749 section 5.1 has it. Off: it is Bearer.
    bool require_token_type = false;
    /// Its issuer identifier (RFC 8414 section 2). Where it is known, client assertions are made
    /// out to it, unless `assertion_options` say otherwise.
    std::string issuer = {};
    /// Where `client::async_introspect` and `client::async_revoke` ask. Empty: they fail.
    std::string introspection_endpoint = {};
    std::string revocation_endpoint = {};
    /// Used in place of the endpoints above by a client with a certificate (RFC 8705 section 5).
    server_endpoints mtls_endpoint_aliases = {};
    /// What it says it understands, by the names of its metadata; empty: it did not say.
    std::vector<std::string> authentication_methods = {};
    std::vector<std::string> authentication_algorithms = {};
    std::vector<std::string> dpop_algorithms = {};
    std::vector<std::string> grant_types = {};
    /// What it says it understands at those endpoints: for `authentication_methods`, where a client
    /// does nothing else.
    std::vector<std::string> introspection_authentication_methods = {};
    std::vector<std::string> revocation_authentication_methods = {};
    /// Other words than Bearer that it has for `token_type` and means Bearer by, in any case, such
    /// as "BearerToken". Tokens then have the type Bearer.
    std::vector<std::string> bearer_names = {};
    /// Its tokens are bound to the certificate that the client got them with, and are good only
    /// with it (RFC 8705 section 3; `tls_client_certificate_bound_access_tokens`).
    bool certificate_bound_tokens = false;
};

} // namespace coauth

#endif
