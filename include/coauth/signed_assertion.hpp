#ifndef COAUTH_SIGNED_ASSERTION_HPP
#define COAUTH_SIGNED_ASSERTION_HPP

#include <coauth/export.hpp>
#include <coauth/secret_function.hpp>
#include <coauth/signing_key.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace coauth
{

/// What an assertion says (RFC 7523 section 3). A plain aggregate.
struct assertion_claims
{
    /// Who made it (`iss`). Required.
    std::string issuer;
    /// About whom it is (`sub`). Empty: it does not say, as Google wants it for a service account
    /// that acts for itself; RFC 7523 requires one.
    std::string subject = {};
    /// To whom it is made out (`aud`): as the server wants it, its token endpoint or its issuer.
    /// Required.
    std::string audience = {};
    /// How long each is good: from 1 s to 1 hour.
    std::chrono::seconds lifetime{60};
    /// Further claims that are text, such as Google's `scope`.
    std::vector<std::pair<std::string, std::string>> further = {};
};

/// Makes an assertion each time it is called, with a new `jti`, signed with the key: for
/// `token_request::jwt_bearer` and `client_authentication::client_assertion`.
///
/// \code
/// coauth::assertion_claims claims;
/// claims.issuer = "robot@project.example";
/// claims.audience = "https://auth.example.com/token";
/// auto const key = coauth::signing_key::pem_file("robot.key");
/// auto const request = coauth::token_request::jwt_bearer(coauth::signed_assertion(key, claims));
/// \endcode
///
/// The key is read now; not one for which a function signs. What is wrong with key or claims is
/// what the function then yields, as `errc::invalid_configuration`. It may be called from any
/// thread, at the same time.
[[nodiscard]] COAUTH_DECL secret_function
signed_assertion(signing_key const& key, assertion_claims claims);

} // namespace coauth

#endif
