#include "testing/validate_assertion.hpp"

#include "testing/jwt.hpp"
#include "testing/public_key.hpp"
#include "testing/signature.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <chrono>

namespace coauth::testing
{

namespace
{

namespace json = boost::json;

constexpr double max_lifetime = 600;

bool has_valid_signature(jwt const& token, assertion_rules const& rules)
{
    auto const algorithm = text_member(token.header, "alg");
    if (!rules.secret.empty() &&
        verify_hmac(algorithm, rules.secret, token.signing_input, token.signature))
        return true;
    return std::any_of(
        rules.keys.begin(), rules.keys.end(),
        [&](std::string const& pem)
        {
            auto const key = read_public_pem(pem);
            return key && verify_signature(algorithm, *key, token.signing_input, token.signature);
        });
}

bool has_audience(json::object const& claims, std::vector<std::string> const& audiences)
{
    auto const is_ours = [&](json::string_view name)
    { return std::find(audiences.begin(), audiences.end(), name) != audiences.end(); };
    auto const* const audience = claims.if_contains("aud");
    if (audience && audience->is_string())
        return is_ours(audience->get_string());
    return audience && audience->is_array() &&
           std::any_of(
               audience->get_array().begin(), audience->get_array().end(),
               [&](json::value const& each)
               { return each.is_string() && is_ours(each.get_string()); });
}

std::optional<std::string> check_times(json::object const& claims)
{
    using seconds = std::chrono::duration<double>;
    double const now = seconds(std::chrono::system_clock::now().time_since_epoch()).count();
    auto const expires = number_member(claims, "exp");
    if (!expires)
        return "The assertion has no expiry (exp).";
    if (*expires <= now)
        return "The assertion has expired (exp).";
    if (*expires > now + max_lifetime)
        return "The assertion expires more than 10 minutes from now (exp).";
    // Allows for clocks that differ, in seconds.
    constexpr double clock_skew = 30;
    if (number_member(claims, "nbf").value_or(now) > now + clock_skew)
        return "The assertion is not valid yet (nbf).";
    if (number_member(claims, "iat").value_or(now) > now + clock_skew)
        return "The assertion was issued in the future (iat).";
    return std::nullopt;
}

} // namespace

std::optional<std::string>
validate_assertion(server_state& server, std::string_view assertion, assertion_rules const& rules)
{
    auto const token = read_jwt(assertion);
    if (!token)
        return "The assertion is not a JSON Web Token.";
    if (text_member(token->claims, "iss") != rules.issuer)
        return "The assertion has another issuer (iss).";
    auto const subject = text_member(token->claims, "sub");
    if (subject.empty() || (!rules.subject.empty() && subject != rules.subject))
        return "The assertion has another subject (sub).";
    if (!has_audience(token->claims, rules.audiences))
        return "The assertion is for another audience (aud).";
    if (auto problem = check_times(token->claims))
        return problem;
    // Late, so that the messages above help whether or not the key is the right one.
    if (!has_valid_signature(*token, rules))
        return "The signature of the assertion is wrong, or its key or algorithm is not "
               "registered.";
    auto const id = text_member(token->claims, "jti");
    if (id.empty())
        return "The assertion has no identifier (jti).";
    if (!server.is_first_use(rules.issuer, id))
        return "The assertion was used before (jti).";
    return std::nullopt;
}

} // namespace coauth::testing
