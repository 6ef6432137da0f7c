#include "crypto/jwt.hpp"

#include "crypto/digest.hpp"
#include "values/encoding.hpp"
#include "values/json_document.hpp"

namespace coauth::crypto
{
namespace
{

std::int64_t epoch_seconds(std::chrono::system_clock::time_point time)
{
    return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

void append_members(json_object& claims, std::string_view json)
{
    auto const document = detail::json_document::parse(json);
    if (!document)
        return;
    for (auto const& [name, value] : document->members())
        if (value.kind == detail::json_kind::string)
            claims.text(name, value.text);
        else
            claims.json(name, value.text);
}

json_object assertion_claims(assertion_content const& content)
{
    auto const issued_at = epoch_seconds(content.issued_at - content.backdate);
    json_object claims;
    claims.text("iss", content.issuer)
        .optional_text("sub", content.subject)
        .text("aud", content.audience)
        .text("jti", content.id)
        .number("iat", issued_at)
        .number("exp", epoch_seconds(content.issued_at + content.lifetime));
    if (content.not_before)
        claims.number("nbf", issued_at);
    for (auto const& [name, value] : content.further)
        claims.text(name, value);
    append_members(claims, content.json_claims);
    return claims;
}

} // namespace

secret jws_signing_input(unsigned_jwt const& jwt)
{
    secret input;
    input.reserve(1024);
    detail::append_base64url(input, jwt.header.serialize().view());
    input.append('.');
    detail::append_base64url(input, jwt.claims.serialize().view());
    return input;
}

secret jws_compact(std::string_view signing_input, std::string_view signature)
{
    secret token;
    token.reserve(signing_input.size() + 1 + (signature.size() * 4 + 2) / 3);
    token.append(signing_input).append('.');
    detail::append_base64url(token, signature);
    return token;
}

result<secret> sign_jwt(unsigned_jwt const& jwt, private_key const& key)
{
    auto const input = jws_signing_input(jwt);
    auto const signature = key.sign(input.view());
    if (!signature)
        return signature.error();
    return jws_compact(input.view(), signature->view());
}

result<secret> sign_jwt(unsigned_jwt const& jwt, signature_algorithm algorithm, secret const& key)
{
    auto const input = jws_signing_input(jwt);
    auto const code = hmac(algorithm, key, input.view());
    if (!code)
        return code.error();
    return jws_compact(input.view(), code->view());
}

unsigned_jwt assertion_jwt(assertion_content const& content, private_key const& key)
{
    json_object header;
    header.text("alg", to_string(key.algorithm()))
        .text("typ", content.type)
        .optional_text("kid", key.key_id())
        .optional_text("x5t#S256", key.certificate_thumbprint())
        .optional_text("x5t", key.certificate_x5t());
    if (!key.certificate_x5c().empty())
        header.json("x5c", key.certificate_x5c());
    return {std::move(header), assertion_claims(content)};
}

unsigned_jwt assertion_jwt(assertion_content const& content, signature_algorithm algorithm)
{
    json_object header;
    header.text("alg", to_string(algorithm)).text("typ", content.type);
    return {std::move(header), assertion_claims(content)};
}

unsigned_jwt proof_jwt(proof_content const& content, private_key const& key)
{
    json_object claims;
    claims.text("jti", content.id)
        .text("htm", content.method)
        .text("htu", content.url)
        .number("iat", epoch_seconds(content.issued_at))
        .optional_text("nonce", content.nonce);
    if (!content.access_token.empty())
        claims.text("ath", detail::base64url(sha256(content.access_token)));
    json_object header;
    header.text("typ", "dpop+jwt")
        .text("alg", to_string(key.algorithm()))
        .json("jwk", key.public_jwk());
    return {std::move(header), std::move(claims)};
}

} // namespace coauth::crypto
