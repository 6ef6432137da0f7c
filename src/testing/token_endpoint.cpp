#include "testing/token_endpoint.hpp"

#include "testing/clamp_duration.hpp"
#include "testing/client_authenticator.hpp"
#include "testing/dpop.hpp"
#include "testing/grants.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <chrono>

namespace coauth::testing
{

namespace
{

namespace json = boost::json;

response token_response(server_state& server, granted const& grant, issued_token token)
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
    if (!grant.authorization_details.empty())
        document["authorization_details"] = json::parse(grant.authorization_details);
    document["access_token"] = server.tokens.add(std::move(token));
    return response::json(200, json::serialize(document));
}

response make_response(
    server_state& server, received_request const& request, client_certificate const& certificate)
{
    auto const flavor = server.options.flavor;
    auto const parameters = read_form(request);
    if (!parameters)
        return to_response(flavor, parameters.error());
    auto const client = authenticate_client(server, request, *parameters, certificate);
    if (!client)
        return to_response(flavor, client.error());
    // After client authentication, as real servers do: a proof without the nonce has used up the
    // client's assertion.
    auto const key = check_proof(server, request);
    if (!key)
        return to_response(flavor, key.error());
    auto const grant = check_grant(server, *client, *parameters);
    if (!grant)
        return to_response(flavor, grant.error());

    issued_token token;
    token.client_id = client->id;
    token.scope = grant->scope;
    token.audiences = grant->audiences;
    token.authorization_details = grant->authorization_details;
    token.issued_at = std::chrono::system_clock::now();
    token.expires_at = token.issued_at + clamp_duration(server.options.token_lifetime);
    token.key_thumbprint = *key;
    token.certificate_thumbprint = certificate.thumbprint;
    for (auto const& [name, value] : *parameters)
        if (name == "resource")
            token.resources.push_back(value);
    token.acr_values = member(*parameters, "acr_values").value_or("");
    token.claims = member(*parameters, "claims").value_or("");
    return token_response(server, *grant, std::move(token));
}

} // namespace

response handle_token_request(
    server_state& server, received_request const& request, client_certificate const& certificate)
{
    auto result = make_response(server, request, certificate);
    if (server.options.dpop != dpop::off && !server.nonce.empty())
        result.headers.add("DPoP-Nonce", server.nonce);
    return result;
}

} // namespace coauth::testing
