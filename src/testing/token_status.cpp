#include "testing/token_status.hpp"

#include "testing/client_authenticator.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

namespace coauth::testing
{

namespace
{

namespace json = boost::json;

using clock = std::chrono::system_clock;

constexpr std::string_view signed_type = "application/token-introspection+jwt";

struct token_query
{
    std::string client_id;
    std::string token;
};

checked<token_query> read_query(
    server_state& server, received_request const& request, client_certificate const& certificate)
{
    auto const parameters = read_form(request);
    if (!parameters)
        return parameters.error();
    auto const client = authenticate_client(server, request, *parameters, certificate);
    if (!client)
        return client.error();
    auto const token = required_member(*parameters, "token");
    if (!token)
        return token.error();
    return token_query{client->id, *token};
}

std::int64_t epoch_seconds(clock::time_point time)
{
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

json::object describe(issued_token const& token)
{
    json::object document;
    document["active"] = true;
    document["client_id"] = token.client_id;
    if (!token.scope.empty())
        document["scope"] = token.scope;
    if (!token.audiences.empty())
        document["aud"] = json::array(token.audiences.begin(), token.audiences.end());
    if (!token.authorization_details.empty())
        document["authorization_details"] = json::parse(token.authorization_details);
    document["iat"] = epoch_seconds(token.issued_at);
    if (token.refresh)
        return document;
    document["exp"] = epoch_seconds(token.expires_at);
    document["token_type"] = token.key_thumbprint.empty() ? "Bearer" : "DPoP";
    json::object bound;
    if (!token.key_thumbprint.empty())
        bound["jkt"] = token.key_thumbprint;
    if (!token.certificate_thumbprint.empty())
        bound["x5t#S256"] = token.certificate_thumbprint;
    if (!bound.empty())
        document["cnf"] = std::move(bound);
    return document;
}

bool accepts_signed(server_state const& server, received_request const& request)
{
    auto const accepted = request.headers.find("Accept").value_or("");
    return !server.options.jwks_path.empty() &&
           accepted.find(signed_type) != std::string_view::npos;
}

// RFC 9701 section 5.
response
signed_response(server_state const& server, std::string const& audience, json::object document)
{
    json::object claims;
    claims["iss"] = server.issuer();
    claims["aud"] = audience;
    claims["iat"] = epoch_seconds(clock::now());
    claims["token_introspection"] = std::move(document);
    response result;
    result.headers.add("Content-Type", std::string(signed_type));
    result.body = server.sign_token("token-introspection+jwt", claims);
    return result;
}

} // namespace

response handle_introspection_request(
    server_state& server, received_request const& request, client_certificate const& certificate)
{
    auto const query = read_query(server, request, certificate);
    if (!query)
        return to_response(server.options.flavor, query.error());
    auto const* const token = server.tokens.find(query->token, clock::now());
    json::object document;
    if (token != nullptr)
        document = describe(*token);
    else
        document["active"] = false;
    if (accepts_signed(server, request))
        return signed_response(server, query->client_id, std::move(document));
    return response::json(200, json::serialize(document));
}

response handle_revocation_request(
    server_state& server, received_request const& request, client_certificate const& certificate)
{
    auto const query = read_query(server, request, certificate);
    if (!query)
        return to_response(server.options.flavor, query.error());
    // A token of another client remains valid, and the response does not reveal that.
    auto const* const token = server.tokens.find(query->token, clock::now());
    if (token && token->client_id == query->client_id)
        server.tokens.remove(query->token);
    return response();
}

} // namespace coauth::testing
