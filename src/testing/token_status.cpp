#include "testing/token_status.hpp"

#include "testing/client_authenticator.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <chrono>

namespace coauth::testing
{

namespace
{

namespace json = boost::json;

using clock = std::chrono::system_clock;

struct question
{
    std::string client_id;
    std::string token;
};

checked<question> read_question(
    server_state& server, received_request const& request, client_certificate const& certificate)
{
    auto const parameters = read_form(request);
    if (!parameters)
        return parameters.error();
    auto const client = check_client(server, request, *parameters, certificate);
    if (!client)
        return client.error();
    auto const token = required_member(*parameters, "token");
    if (!token)
        return token.error();
    return question{client->id, *token};
}

std::int64_t seconds_of(clock::time_point time)
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
    document["iat"] = seconds_of(token.issued_at);
    if (token.refresh)
        return document;
    document["exp"] = seconds_of(token.expires_at);
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

} // namespace

response handle_introspection_request(
    server_state& server, received_request const& request, client_certificate const& certificate)
{
    auto const asked = read_question(server, request, certificate);
    if (!asked)
        return to_response(server.options.flavor, asked.error());
    if (auto const* const token = server.tokens.find(asked->token, clock::now()))
        return response::json(200, json::serialize(describe(*token)));
    return response::json(200, R"({"active":false})");
}

response handle_revocation_request(
    server_state& server, received_request const& request, client_certificate const& certificate)
{
    auto const asked = read_question(server, request, certificate);
    if (!asked)
        return to_response(server.options.flavor, asked.error());
    // A token of another client stays good, and the response does not tell.
    auto const* const token = server.tokens.find(asked->token, clock::now());
    if (token && token->client_id == asked->client_id)
        server.tokens.remove(asked->token);
    return response();
}

} // namespace coauth::testing
