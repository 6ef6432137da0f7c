#ifndef COAUTH_JWT_ASSERTION_HPP
#define COAUTH_JWT_ASSERTION_HPP

#include <coauth/export.hpp>
#include <coauth/secret_provider.hpp>
#include <coauth/signing_key.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace coauth
{

/// The claims of an assertion (RFC 7523 section 3). A plain aggregate.
struct assertion_claims
{
    /// The issuer (`iss`). Required.
    std::string issuer;
    /// The subject (`sub`). RFC 7523 requires one. Empty: the claim is left out, as Google expects
    /// for a service account that acts for itself.
    std::string subject = {};
    /// The audience (`aud`): the server's token endpoint or issuer, as the server requires.
    /// Required.
    std::string audience = {};
    /// The lifetime of each assertion: from 1 s to 1 hour.
    std::chrono::seconds lifetime{60};
    /// Further text claims, such as Google's `scope`.
    std::vector<std::pair<std::string, std::string>> further = {};
    /// Further claims of any type: the text of a JSON object, such as `{"roles":["a"],"level":3}`.
    std::string json_claims = {};
    /// How far in the past `iat` (and `nbf`) are, for a server whose clock is behind: from 0 to 1
    /// hour. The assertion still expires `lifetime` from now.
    std::chrono::seconds backdate{0};
    /// Add `nbf`, the same time as `iat`.
    bool not_before = false;
    /// The `typ` header.
    std::string type = "JWT";
};

/// Returns a function that signs a new assertion, with a new `jti`, each time it is called. Use it
/// with `token_request::jwt_bearer` or `client_authentication::client_assertion`, or call it for an
/// assertion of your own use.
///
/// \code
/// coauth::assertion_claims claims;
/// claims.issuer = "robot@project.example";
/// claims.audience = "https://auth.example.com/token";
/// auto const key = coauth::signing_key::pem_file("robot.key");
/// auto const request = coauth::token_request::jwt_bearer(coauth::jwt_assertion(key, claims));
/// \endcode
///
/// The key is read by this call, and again when its file changes. If the key or the claims are
/// invalid, the returned function returns `errc::invalid_configuration`. It may be called from any
/// thread at the same time.
///
/// If the key is a signer function (`signing_key::signer`), the returned function must be given to
/// a `token_request` as it is: the client then waits for the signature. In other places it returns
/// `errc::invalid_configuration`.
[[nodiscard]] COAUTH_DECL secret_provider
jwt_assertion(signing_key const& key, assertion_claims claims);

} // namespace coauth

#endif
