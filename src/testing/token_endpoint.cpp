#include "testing/token_endpoint.hpp"

#include "testing/client_authenticator.hpp"
#include "testing/dpop.hpp"
#include "testing/grants.hpp"
#include "testing/long_times.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <chrono>

namespace coauth::testing
{

namespace
{

namespace json = boost::json;

response give_token(server_state& server, granted const& grant, issued_token token)
{
    json::object document;
    document["token_type"] = token.key_thumbprint.empty() ? "Bearer" : "DPoP";
    document["expires_in"] = server.options.token_lifetime.count();
    if (!grant.scope.empty())
        document["scope"] = grant.scope;
    if (!grant.refresh_token.empty())
        document["refresh_token"] = grant.refresh_token;
    if (!grant.issued_token_type.empty())
        document["issued_token_type"] = grant.issued_token_type;
    document["access_token"] = server.tokens.add(std::move(token));
    return response::json(200, json::serialize(document));
}

response
decide(server_state& server, received_request const& request, client_certificate const& certificate)
{
    auto const how = server.options.flavor;
    auto const parameters = read_form(request);
    if (!parameters)
        return to_response(how, parameters.error());
    auto const client = check_client(server, request, *parameters, certificate);
    if (!client)
        return to_response(how, client.error());
    // After the client, as servers do: a proof that lacks the nonce costs the client an assertion.
    auto const key = check_proof(server, request);
    if (!key)
        return to_response(how, key.error());
    auto const grant = check_grant(server, *client, *parameters);
    if (!grant)
        return to_response(how, grant.error());

    issued_token token;
    token.client_id = client->id;
    token.scope = grant->scope;
    token.issued_at = std::chrono::system_clock::now();
    token.expires_at = token.issued_at + countable(server.options.token_lifetime);
    token.key_thumbprint = *key;
    token.certificate_thumbprint = certificate.thumbprint;
    return give_token(server, *grant, std::move(token));
}

} // namespace

response handle_token_request(
    server_state& server, received_request const& request, client_certificate const& certificate)
{
    auto made = decide(server, request, certificate);
    if (server.options.dpop != dpop::off && !server.nonce.empty())
        made.headers.add("DPoP-Nonce", server.nonce);
    return made;
}

} // namespace coauth::testing
