#include <coauth/jwt_assertion.hpp>

#include "crypto/digest.hpp"
#include "crypto/jwt.hpp"
#include "crypto/key_source.hpp"
#include "protocol/assertion_rules.hpp"
#include "values/encoding.hpp"
#include "values/json_document.hpp"
#include "values/make_error.hpp"

namespace coauth
{
namespace
{

result<void> check(assertion_claims const& claims)
{
    if (claims.issuer.empty() || claims.audience.empty())
        return detail::config_error("the assertion's issuer or audience is empty; set both");
    if (claims.type.empty() || detail::has_control(claims.type))
        return detail::config_error(
            "the assertion's type is empty or contains a control character; the usual one is JWT");
    auto checked = protocol::check_assertion_lifetime("the assertion's lifetime", claims.lifetime);
    if (checked)
        checked =
            protocol::check_assertion_rules("the assertion", claims.backdate, claims.json_claims);
    if (!checked)
        return checked;
    auto const json = detail::json_document::parse(claims.json_claims);
    for (auto const& [name, value] : claims.further)
    {
        if (name.empty() || protocol::is_reserved_claim(name))
            return detail::config_error(
                "the assertion's further claim '" + name +
                "' is reserved or has no name; use the members of assertion_claims");
        if (json && json->find(name).kind != detail::json_kind::absent)
            return detail::config_error(
                "the assertion's claim '" + name +
                "' is in further and in json_claims; set it once");
    }
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
    content.json_claims = claims.json_claims;
    content.backdate = claims.backdate;
    content.not_before = claims.not_before;
    content.type = claims.type;
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
