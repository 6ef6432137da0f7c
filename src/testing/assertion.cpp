#include "testing/assertion.hpp"

#include "testing/public_key.hpp"
#include "testing/signature.hpp"
#include "testing/web_token.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <chrono>

namespace coauth::testing
{

namespace
{

namespace json = boost::json;

constexpr double longest_life = 600;

bool is_signed(web_token const& token, assertion_rules const& rules)
{
    auto const algorithm = text_member(token.header, "alg");
    if (!rules.secret.empty() &&
        verify_hmac(algorithm, rules.secret, token.signed_part, token.signature))
        return true;
    return std::any_of(
        rules.keys.begin(), rules.keys.end(),
        [&](std::string const& pem)
        {
            auto const key = read_public_pem(pem);
            return key && verify_signature(algorithm, *key, token.signed_part, token.signature);
        });
}

bool is_for_us(json::object const& claims, std::vector<std::string> const& audiences)
{
    auto const is_ours = [&](json::string_view name)
    { return std::find(audiences.begin(), audiences.end(), name) != audiences.end(); };
    auto const* const given = claims.if_contains("aud");
    if (given && given->is_string())
        return is_ours(given->get_string());
    return given && given->is_array() &&
           std::any_of(
               given->get_array().begin(), given->get_array().end(), [&](json::value const& each)
               { return each.is_string() && is_ours(each.get_string()); });
}

std::optional<std::string> find_fault_of_time(json::object const& claims)
{
    using seconds = std::chrono::duration<double>;
    double const now = seconds(std::chrono::system_clock::now().time_since_epoch()).count();
    auto const expires = number_member(claims, "exp");
    if (!expires)
        return "The assertion has no expiry (exp).";
    if (*expires <= now)
        return "The assertion has expired (exp).";
    if (*expires > now + longest_life)
        return "The assertion expires more than 10 minutes from now (exp).";
    // An allowance for clocks that differ.
    constexpr double grace = 30;
    if (number_member(claims, "nbf").value_or(now) > now + grace)
        return "The assertion is not valid yet (nbf).";
    if (number_member(claims, "iat").value_or(now) > now + grace)
        return "The assertion was issued in the future (iat).";
    return std::nullopt;
}

} // namespace

std::optional<std::string>
validate_assertion(server_state& server, std::string_view assertion, assertion_rules const& rules)
{
    auto const token = read_web_token(assertion);
    if (!token)
        return "The assertion is no JSON Web Token.";
    if (text_member(token->claims, "iss") != rules.issuer)
        return "The assertion is of another issuer (iss).";
    auto const subject = text_member(token->claims, "sub");
    if (subject.empty() || (!rules.subject.empty() && subject != rules.subject))
        return "The assertion is about another subject (sub).";
    if (!is_for_us(token->claims, rules.audiences))
        return "The assertion is for another audience (aud).";
    if (auto fault = find_fault_of_time(token->claims))
        return fault;
    // Last but for the identifier, so that the sentences above help where the key is right or
    // wrong.
    if (!is_signed(*token, rules))
        return "The signature of the assertion is wrong, or by an unregistered key or algorithm.";
    auto const id = text_member(token->claims, "jti");
    if (id.empty())
        return "The assertion has no identifier (jti).";
    if (!server.replay_cache_insert(rules.issuer, id))
        return "The assertion was used before (jti).";
    return std::nullopt;
}

} // namespace coauth::testing
