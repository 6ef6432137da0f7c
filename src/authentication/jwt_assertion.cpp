#include <coauth/jwt_assertion.hpp>

#include "crypto/digest.hpp"
#include "crypto/jwt.hpp"
#include "crypto/key_source.hpp"
#include "values/make_error.hpp"

#include <algorithm>
#include <array>

namespace coauth
{
namespace
{

result<void> check(assertion_claims const& claims)
{
    using namespace std::chrono;
    constexpr std::array<std::string_view, 7> reserved = {"iss", "sub", "aud", "jti",
                                                          "iat", "exp", "nbf"};
    if (claims.issuer.empty() || claims.audience.empty())
        return detail::config_error("the assertion's issuer or audience is empty; set both");
    if (claims.lifetime < seconds(1) || claims.lifetime > hours(1))
        return detail::config_error(
            "the assertion's lifetime is " + std::to_string(claims.lifetime.count()) +
            " s; it must be from 1 s to 1 hour");
    for (auto const& [name, value] : claims.further)
        if (name.empty() || std::find(reserved.begin(), reserved.end(), name) != reserved.end())
            return detail::config_error(
                "the assertion's further claim '" + name +
                "' is reserved or has no name; use the members of assertion_claims");
    return {};
}

result<secret> make_assertion(crypto::private_key const& key, assertion_claims const& claims)
{
    auto const id = crypto::random_id();
    if (!id)
        return id.error();
    crypto::assertion_content content;
    content.issuer = claims.issuer;
    content.subject = claims.subject;
    content.audience = claims.audience;
    content.id = *id;
    content.issued_at = std::chrono::system_clock::now();
    content.lifetime = claims.lifetime;
    content.further = claims.further;
    return crypto::sign_jwt(crypto::assertion_jwt(content, key), key);
}

} // namespace

secret_provider jwt_assertion(signing_key const& key, assertion_claims claims)
{
    auto const valid = check(claims);
    auto source = std::make_shared<crypto::key_source>(key, "the key of the assertion");
    return [valid, source = std::move(source), claims = std::move(claims)]() -> result<secret>
    {
        if (!valid)
            return valid.error();
        auto const current = source->current();
        if (!current)
            return current.error();
        if ((*current)->signer())
            return detail::config_error(
                "the key of the assertion is a function that signs; give the key itself, "
                "from signing_key::pem_file or signing_key::pem");
        return make_assertion(**current, claims);
    };
}

} // namespace coauth
