#include "testing/api.hpp"

#include "testing/dpop.hpp"
#include "testing/encoding.hpp"
#include "testing/failure.hpp"
#include "testing/form_request.hpp"
#include "testing/signature.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <chrono>
#include <string>

namespace coauth::testing
{

namespace
{

namespace json = boost::json;

constexpr char const* well_known = "/.well-known/oauth-protected-resource";

// Parameters of a challenge, in the form of RFC 9110 section 11.6.1.
using challenge_parameters = std::vector<std::pair<char const*, std::string>>;

struct credentials
{
    std::string scheme;
    std::string token;
};

credentials read_authorization(received_request const& request)
{
    std::string const field(request.headers.find("Authorization").value_or(""));
    auto const space = field.find(' ');
    return space == std::string::npos
               ? credentials()
               : credentials{field.substr(0, space), field.substr(space + 1)};
}

response challenge(
    server_state const& server, unsigned status, std::string scheme,
    challenge_parameters const& with)
{
    auto field = std::move(scheme) + " resource_metadata=\"" + server.origin() + well_known +
                 server.options.api_path + '"';
    for (auto const& [name, value] : with)
        field.append(", ").append(name).append("=\"").append(value).append("\"");
    auto result = response::json(status, "{}");
    result.headers.add("WWW-Authenticate", field);
    return result;
}

bool has_word(std::string const& words, std::string const& word)
{
    return (' ' + words + ' ').find(' ' + word + ' ') != std::string::npos;
}

// True if `value` has all members of `demanded`, at any depth.
bool contains(json::value const& value, json::value const& demanded)
{
    auto const* const members = demanded.if_object();
    auto const* const present = value.if_object();
    if (members == nullptr || present == nullptr)
        return value == demanded;
    return std::all_of(
        members->begin(), members->end(),
        [present](auto const& member)
        {
            auto const* const found = present->if_contains(member.key());
            return found != nullptr && contains(*found, member.value());
        });
}

bool has_claims(std::string const& requested, std::string const& demanded)
{
    boost::system::error_code failed;
    auto const value = json::parse(requested, failed);
    return demanded.empty() || (!failed && contains(value, json::parse(demanded)));
}

std::string encode_base64(std::string const& text)
{
    auto encoded = encode_base64url(text);
    std::replace(encoded.begin(), encoded.end(), '-', '+');
    std::replace(encoded.begin(), encoded.end(), '_', '/');
    encoded.append((4 - encoded.size() % 4) % 4, '=');
    return encoded;
}

response respond(issued_token const& token)
{
    json::object document;
    document["client_id"] = token.client_id;
    document["scope"] = token.scope;
    return response::json(200, json::serialize(document));
}

// The response to a request with a valid token.
response
check_demands(server_state const& server, std::string const& scheme, issued_token const& token)
{
    auto const& options = server.options;
    if (!options.api_scope.empty() && !has_word(token.scope, options.api_scope))
        return challenge(
            server, 403, scheme, {{"error", "insufficient_scope"}, {"scope", options.api_scope}});
    if (!options.api_acr_values.empty() && token.acr_values != options.api_acr_values)
        return challenge(
            server, 401, scheme,
            {{"error", "insufficient_user_authentication"},
             {"acr_values", options.api_acr_values}});
    if (!has_claims(token.claims, options.api_claims))
        return challenge(
            server, 401, scheme,
            {{"error", "insufficient_claims"}, {"claims", encode_base64(options.api_claims)}});
    return respond(token);
}

bool is_for_api(server_state const& server, issued_token const& token)
{
    auto const& all = token.resources;
    return all.empty() || std::find(all.begin(), all.end(), server.api_url()) != all.end();
}

response respond_to_token(
    server_state& server, received_request const& request, credentials const& presented)
{
    auto const& [scheme, value] = presented;
    auto const* const token = server.tokens.find(value, std::chrono::system_clock::now());
    bool const bound = token != nullptr && !token->key_thumbprint.empty();
    bool const has_scheme = equal_ignoring_case(scheme, bound ? "DPoP" : "Bearer");
    if (token == nullptr || token->refresh || !has_scheme || !is_for_api(server, *token))
        return challenge(server, 401, bound ? "DPoP" : "Bearer", {{"error", "invalid_token"}});
    if (bound)
    {
        auto const key = check_api_proof(server, request, value);
        if (!key)
            return challenge(
                server, 401, "DPoP",
                {{"error", key.error().code}, {"error_description", key.error().description}});
        if (*key != token->key_thumbprint)
            return challenge(server, 401, "DPoP", {{"error", "invalid_token"}});
    }
    return check_demands(server, scheme, *token);
}

} // namespace

bool is_api_path(server_state const& server, std::string_view target)
{
    auto const& path = server.options.api_path;
    return !path.empty() && target.substr(0, target.find('?')) == path;
}

response handle_api_request(server_state& server, received_request const& request)
{
    auto const presented = read_authorization(request);
    if (presented.token.empty())
    {
        auto const& scope = server.options.api_scope;
        return challenge(
            server, 401, "Bearer",
            scope.empty() ? challenge_parameters() : challenge_parameters{{"scope", scope}});
    }
    auto result = respond_to_token(server, request, presented);
    if (server.options.dpop != dpop::off && !server.nonce.empty())
        result.headers.add("DPoP-Nonce", server.nonce);
    return result;
}

bool is_resource_metadata_path(server_state const& server, std::string_view path)
{
    return !server.options.api_path.empty() && path == well_known + server.options.api_path;
}

response handle_resource_metadata_request(server_state const& server)
{
    json::object document;
    document["resource"] = server.api_url();
    document["resource_name"] = "The API of the tests";
    document["authorization_servers"] = json::array({json::string(server.issuer())});
    json::array scopes;
    for (auto const& scope : server.options.scopes)
        scopes.emplace_back(scope);
    document["scopes_supported"] = std::move(scopes);
    document["bearer_methods_supported"] = json::array({"header"});
    if (server.options.dpop != dpop::off)
    {
        json::array algorithms;
        for (auto const& name : key_algorithms())
            algorithms.emplace_back(json::string_view(name));
        document["dpop_signing_alg_values_supported"] = std::move(algorithms);
        document["dpop_bound_access_tokens_required"] = server.options.dpop == dpop::required;
    }
    return response::json(200, json::serialize(document));
}

} // namespace coauth::testing
