#include "authentication/jwt_assertion.hpp"

#include "crypto/digest.hpp"
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

} // namespace

namespace detail
{

assertion_function::assertion_function(signing_key const& key, assertion_claims claims)
    : valid_(check(claims))
    , key_(std::make_shared<crypto::key_source>(key, "the key of the assertion"))
    , claims_(std::move(claims))
{
}

result<unsigned_assertion> assertion_function::make() const
{
    if (!valid_)
        return valid_.error();
    auto key = key_->current();
    if (!key)
        return key.error();
    auto const id = crypto::random_id();
    if (!id)
        return id.error();
    crypto::assertion_content content;
    content.issuer = claims_.issuer;
    content.subject = claims_.subject;
    content.audience = claims_.audience;
    content.id = *id;
    content.issued_at = std::chrono::system_clock::now();
    content.lifetime = claims_.lifetime;
    content.further = claims_.further;
    content.json_claims = claims_.json_claims;
    content.backdate = claims_.backdate;
    content.not_before = claims_.not_before;
    content.type = claims_.type;
    auto jwt = crypto::assertion_jwt(content, **key);
    return unsigned_assertion{std::move(*key), std::move(jwt)};
}

result<secret> assertion_function::operator()() const
{
    auto const made = make();
    if (!made)
        return made.error();
    if (made->key->signer())
        return config_error(
            "the key of the assertion is a function that signs, which only a token_request "
            "supports; as client authentication use private_key_jwt, or give the key itself, from "
            "signing_key::pem_file or signing_key::pem");
    return crypto::sign_jwt(made->jwt, *made->key);
}

assertion_function const* as_assertion_function(secret_provider const& function) noexcept
{
#if defined(__cpp_rtti) || defined(__GLIBCXX__)
    return function.target<assertion_function>();
#else
    // libc++ cannot tell without type information.
    (void)function;
    return nullptr;
#endif
}

} // namespace detail

secret_provider jwt_assertion(signing_key const& key, assertion_claims claims)
{
    return detail::assertion_function(key, std::move(claims));
}

} // namespace coauth
