#include "testing/grants.hpp"

#include "testing/jwt.hpp"
#include "testing/validate_assertion.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

namespace coauth::testing
{

namespace
{

namespace json = boost::json;

failure invalid_grant(std::string description)
{
    return oauth_failure("invalid_grant", std::move(description));
}

// RFC 6749 section 3.3: tokens separated by one space each.
std::vector<std::string> split_scope(std::string_view scope)
{
    std::vector<std::string> words;
    while (true)
    {
        auto const end = scope.find(' ');
        words.emplace_back(scope.substr(0, end));
        if (end == std::string_view::npos)
            return words;
        scope.remove_prefix(end + 1);
    }
}

// The requested scope, or all scopes if none is requested. A failure if it is unknown or malformed.
checked<granted> grant_scope(std::vector<std::string> const& known, form const& parameters)
{
    auto const requested = member(parameters, "scope").value_or("");
    if (!requested.empty())
    {
        for (auto const& word : split_scope(requested))
            if (std::find(known.begin(), known.end(), word) == known.end())
                return oauth_failure("invalid_scope", "The scope is unknown.");
        return granted{requested};
    }
    std::string all;
    for (auto const& word : known)
        all += (all.empty() ? "" : " ") + word;
    return granted{all};
}

checked<granted>
grant_refresh(server_state& server, registered_client const& client, form const& parameters)
{
    auto const name = required_member(parameters, "refresh_token");
    if (!name)
        return name.error();
    auto const* const found = server.tokens.find(*name, std::chrono::system_clock::now());
    if (!found || !found->refresh || found->client_id != client.id)
        return invalid_grant("The refresh token is unknown, revoked or belongs to another client.");
    auto result = grant_scope(server.options.scopes, parameters);
    if (!result || !server.options.rotate_refresh_tokens)
        return result;
    result->refresh_token = server.tokens.add(*found);
    server.tokens.remove(*name);
    return result;
}

std::optional<std::string> check_assertion(server_state& server, std::string const& assertion)
{
    auto const& trusted = server.options.assertion_issuers;
    if (trusted.empty())
        return std::nullopt;
    auto const token = read_jwt(assertion);
    auto const issuer = token ? text_member(token->claims, "iss") : std::string();
    auto const match = std::find_if(
        trusted.begin(), trusted.end(),
        [&](trusted_issuer const& each) { return each.issuer == issuer; });
    if (match == trusted.end())
        return "The issuer of the assertion is not trusted (iss).";
    return validate_assertion(
        server, assertion, {issuer, {}, server.audiences(), match->public_keys});
}

checked<granted> grant_assertion(server_state& server, form const& parameters)
{
    auto const assertion = required_member(parameters, "assertion");
    if (!assertion)
        return assertion.error();
    if (auto problem = check_assertion(server, *assertion))
        return invalid_grant(std::move(*problem));
    return grant_scope(server.options.scopes, parameters);
}

checked<granted> grant_exchange(server_state const& server, form const& parameters)
{
    for (auto const* const name : {"subject_token", "subject_token_type"})
        if (auto const found = required_member(parameters, name); !found)
            return found.error();
    if (member(parameters, "actor_token") && !member(parameters, "actor_token_type"))
        return invalid_request("The parameter actor_token_type is missing.");
    auto result = grant_scope(server.options.scopes, parameters);
    if (result)
        result->issued_token_type = member(parameters, "requested_token_type")
                                        .value_or("urn:ietf:params:oauth:token-type:access_token");
    return result;
}

checked<granted>
check_grant_type(server_state& server, registered_client const& client, form const& parameters)
{
    auto const type = required_member(parameters, "grant_type");
    if (!type)
        return type.error();
    auto const& accepted = server.options.grants;
    bool const is_accepted = std::find(accepted.begin(), accepted.end(), *type) != accepted.end();
    if (is_accepted && *type == "client_credentials")
        return grant_scope(server.options.scopes, parameters);
    if (is_accepted && *type == "refresh_token")
        return grant_refresh(server, client, parameters);
    if (is_accepted && *type == "urn:ietf:params:oauth:grant-type:jwt-bearer")
        return grant_assertion(server, parameters);
    if (is_accepted && *type == "urn:ietf:params:oauth:grant-type:token-exchange")
        return grant_exchange(server, parameters);
    if (is_accepted)
        return grant_scope(server.options.scopes, parameters);
    return oauth_failure("unsupported_grant_type", "The grant type is not accepted.");
}

// The audiences of the request. A failure if one of them is not accepted.
std::optional<failure> grant_audiences(
    server_state const& server, form const& parameters, std::vector<std::string>& audiences)
{
    auto const& accepted = server.options.token_audiences;
    for (auto const& [name, value] : parameters)
    {
        if (name != "audience")
            continue;
        if (!accepted.empty() &&
            std::find(accepted.begin(), accepted.end(), value) == accepted.end())
            return oauth_failure("invalid_target", "The audience is unknown.");
        audiences.push_back(value);
    }
    return std::nullopt;
}

// RFC 9396 section 5.
std::optional<failure> grant_details(
    server_state const& server, form const& parameters, std::string& authorization_details)
{
    auto const& accepted = server.options.authorization_details_types;
    auto const requested = member(parameters, "authorization_details");
    if (accepted.empty() || !requested)
        return std::nullopt;
    boost::system::error_code ec;
    auto const details = json::parse(*requested, ec);
    bool good = !ec && details.is_array();
    for (std::size_t i = 0; good && i < details.get_array().size(); ++i)
    {
        auto const* const detail = details.get_array()[i].if_object();
        auto const type = detail ? text_member(*detail, "type") : std::string();
        good = std::find(accepted.begin(), accepted.end(), type) != accepted.end();
    }
    if (!good)
        return oauth_failure(
            "invalid_authorization_details",
            "The authorization details are no array of objects of an accepted type.");
    authorization_details = *requested;
    return std::nullopt;
}

} // namespace

checked<granted>
check_grant(server_state& server, registered_client const& client, form const& parameters)
{
    auto result = check_grant_type(server, client, parameters);
    if (!result)
        return result;
    if (auto problem = grant_audiences(server, parameters, result->audiences))
        return std::move(*problem);
    if (auto problem = grant_details(server, parameters, result->authorization_details))
        return std::move(*problem);
    return result;
}

} // namespace coauth::testing
