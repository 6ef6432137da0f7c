#include <coauth/jwt_assertion.hpp>

#include "crypto/jwt.hpp"
#include "values/make_error.hpp"

#include <algorithm>
#include <array>

namespace coauth
{
namespace
{

using key_result = result<std::shared_ptr<protocol::private_key const>>;

result<void> check(assertion_claims const& claims)
{
    using namespace std::chrono;
    constexpr std::array<std::string_view, 7> own = {"iss", "sub", "aud", "jti",
                                                     "iat", "exp", "nbf"};
    if (claims.issuer.empty() || claims.audience.empty())
        return detail::config_error("the assertion's issuer or audience is empty; set both");
    if (claims.lifetime < seconds(1) || claims.lifetime > hours(1))
        return detail::config_error(
            "the assertion's lifetime is " + std::to_string(claims.lifetime.count()) +
            " s; it must be from 1 s to 1 hour");
    for (auto const& [name, value] : claims.further)
        if (name.empty() || std::find(own.begin(), own.end(), name) != own.end())
            return detail::config_error(
                "the assertion's further claim '" + name +
                "' has a meaning of its own, or no name; use the members of assertion_claims");
    return {};
}

key_result load(signing_key const& from, assertion_claims const& claims)
{
    if (auto const good = check(claims); !good)
        return good.error();
    auto key = protocol::private_key::load(
        from, "the key of the assertion", std::chrono::system_clock::now());
    if (key && (*key)->signer())
        return detail::config_error(
            "the key of the assertion is a function that signs; give the key itself, "
            "from signing_key::pem_file or signing_key::pem");
    return key;
}

result<secret> make(protocol::private_key const& key, assertion_claims const& wanted)
{
    auto const id = protocol::unique_id();
    if (!id)
        return id.error();
    protocol::assertion_claims claims;
    claims.issuer = wanted.issuer;
    claims.subject = wanted.subject;
    claims.audience = wanted.audience;
    claims.id = *id;
    claims.issued_at = std::chrono::system_clock::now();
    claims.lifetime = wanted.lifetime;
    claims.further = wanted.further;
    auto const input = protocol::jws_signing_input(key, claims);
    auto const signature = key.sign(input.view());
    if (!signature)
        return signature.error();
    return protocol::jws_compact(input.view(), signature->view());
}

} // namespace

secret_provider jwt_assertion(signing_key const& key, assertion_claims claims)
{
    auto loaded = load(key, claims);
    return [key = std::move(loaded), claims = std::move(claims)]() -> result<secret>
    {
        if (!key)
            return key.error();
        return make(**key, claims);
    };
}

} // namespace coauth
