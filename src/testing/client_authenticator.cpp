#include "testing/client_authenticator.hpp"

#include "testing/dpop.hpp"
#include "testing/encoding.hpp"
#include "testing/jwt.hpp"
#include "testing/public_key.hpp"
#include "testing/signature.hpp"
#include "testing/validate_assertion.hpp"

#include <algorithm>
#include <chrono>

namespace coauth::testing
{

namespace
{

constexpr char const* jwt_bearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
// A JWT-SVID (draft-ietf-oauth-spiffe-client-auth).
constexpr char const* jwt_spiffe = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe";
constexpr char const* jwt_bearer_grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";

// The credentials in a request.
struct presented_client
{
    authentication_method method = authentication_method::none;
    std::string id;
    // Empty if the method has none.
    std::string secret = {};
    std::string assertion = {};
    // The request uses more than one method.
    bool is_ambiguous = false;
    // The id in the body is not the one in the Authorization field.
    bool has_two_ids = false;
};

bool is_bearer(std::string_view header)
{
    return equal_ignoring_case(header.substr(0, header.find(' ')), "bearer");
}

// The client of the token. Its id is empty if the token is not valid.
presented_client read_bearer(server_state const& server, std::string_view header)
{
    std::string const token(header.substr(std::min(header.size(), header.find(' ') + 1)));
    auto const* const found = server.tokens.find(token, std::chrono::system_clock::now());
    bool const is_valid = found != nullptr && !found->refresh;
    return {authentication_method::bearer_token, is_valid ? found->client_id : std::string()};
}

// The credentials of a Basic header, decoded as this flavor does. Empty if it is malformed.
presented_client read_basic(server_flavor flavor, std::string_view header)
{
    presented_client malformed{authentication_method::client_secret_basic, {}};
    auto const space = header.find(' ');
    if (space == std::string_view::npos || !equal_ignoring_case(header.substr(0, space), "basic"))
        return malformed;
    auto const text = decode_base64(header.substr(space + 1));
    auto const colon = text ? text->find(':') : std::string::npos;
    if (colon == std::string::npos)
        return malformed;
    auto const raw_id = text->substr(0, colon);
    auto const raw_secret = text->substr(colon + 1);
    if (flavor == server_flavor::smscx)
        return {authentication_method::client_secret_basic, raw_id, raw_secret};
    auto const id = decode_form_text(raw_id);
    auto const secret = decode_form_text(raw_secret);
    return id && secret ? presented_client{authentication_method::client_secret_basic, *id, *secret}
                        : malformed;
}

presented_client read_assertion(std::string const& assertion, std::optional<std::string> id)
{
    auto const token = read_jwt(assertion);
    auto const& hmacs = hmac_algorithms();
    bool const uses_secret =
        token &&
        std::find(hmacs.begin(), hmacs.end(), text_member(token->header, "alg")) != hmacs.end();
    presented_client found;
    found.method = uses_secret ? authentication_method::client_secret_jwt
                               : authentication_method::private_key_jwt;
    found.id = id ? *id : token ? text_member(token->claims, "sub") : std::string();
    found.assertion = assertion;
    return found;
}

// The method by which this client authenticates with a certificate.
authentication_method method_of_certificate(registered_client const& client)
{
    if (!client.certificates.empty())
        return authentication_method::self_signed_tls_client_auth;
    return client.subject.empty() ? authentication_method::none
                                  : authentication_method::tls_client_auth;
}

presented_client read_client(
    server_state const& server, received_request const& request, form const& parameters,
    client_certificate const& certificate)
{
    auto const header = request.headers.find("Authorization");
    auto const id = member(parameters, "client_id");
    auto const secret = member(parameters, "client_secret");
    auto const assertion = member(parameters, "client_assertion");

    presented_client found{authentication_method::none, id.value_or("")};
    if (header && is_bearer(*header))
        found = read_bearer(server, *header);
    else if (header)
        found = read_basic(server.options.flavor, *header);
    else if (assertion)
        found = read_assertion(*assertion, id);
    else if (secret)
        found = {authentication_method::client_secret_post, id.value_or(""), *secret};
    else if (!certificate.thumbprint.empty())
        found.method = method_of_certificate(server.find_client(found.id));
    found.has_two_ids = header && id && *id != found.id;
    found.is_ambiguous = header.has_value() + secret.has_value() + assertion.has_value() > 1;
    return found;
}

bool is_public(registered_client const& client)
{
    return client.secret.empty() && client.assertion_secret.empty() && client.public_keys.empty() &&
           client.certificates.empty() && client.subject.empty();
}

std::optional<failure>
check_secret(registered_client const& client, presented_client const& presented)
{
    if (presented.secret == client.secret && (!client.secret.empty() || is_public(client)))
        return std::nullopt;
    return invalid_client("Client authentication failed.");
}

std::optional<failure> check_assertion(
    server_state& server, registered_client const& client, presented_client const& presented,
    form const& parameters)
{
    auto const type = member(parameters, "client_assertion_type");
    if (type != jwt_bearer && type != jwt_spiffe)
        return invalid_client("The client_assertion_type is not " + std::string(jwt_bearer) + ".");
    assertion_rules rules{client.id, client.id, server.audiences(), {}};
    if (presented.method == authentication_method::client_secret_jwt)
        rules.secret = client.assertion_secret;
    else
        rules.keys = client.public_keys;
    if (auto problem = validate_assertion(server, presented.assertion, rules))
        return invalid_client(std::move(*problem));
    return std::nullopt;
}

std::optional<failure>
check_certificate(registered_client const& client, client_certificate const& certificate)
{
    for (auto const& pem : client.certificates)
    {
        auto const registered = read_certificate_pem(pem);
        if (registered && certificate_thumbprint(*registered) == certificate.thumbprint)
            return std::nullopt;
    }
    if (client.subject.empty())
        return invalid_client("The client's certificate is not the registered one.");
    if (!certificate.trusted)
        return invalid_client(
            "The client's certificate was not issued by a trusted CA, or is not valid.");
    if (certificate.subject != client.subject)
        return invalid_client("The client's certificate is for another subject.");
    return std::nullopt;
}

} // namespace

void record_client(
    server_state const& server, received_request& request, client_certificate const& certificate)
{
    request.client_certificate_thumbprint = certificate.thumbprint;
    request.dpop_thumbprint = proof_key_thumbprint(request);
    auto const presented =
        read_client(server, request, decode_form(request.body).value_or(form()), certificate);
    request.authentication = presented.method;
    request.client_id = presented.id;
}

checked<registered_client> authenticate_client(
    server_state& server, received_request const& request, form const& parameters,
    client_certificate const& certificate)
{
    auto const presented = read_client(server, request, parameters, certificate);
    if (presented.is_ambiguous)
        return invalid_request("The request uses more than one method of client authentication.");
    // The assertion identifies the client (RFC 7521 section 4.1).
    bool const is_jwt_bearer = member(parameters, "grant_type") == jwt_bearer_grant;
    if (is_jwt_bearer && presented.method == authentication_method::none && presented.id.empty())
        return registered_client{};
    if (presented.has_two_ids)
        return invalid_request("The client_id is not the one in the Authorization field.");
    bool const is_secret_alone =
        presented.method == authentication_method::client_secret_post && presented.id.empty();
    auto client = is_secret_alone ? server.find_client_by_secret(presented.secret)
                                  : server.find_client(presented.id);
    if (client.id.empty())
        return invalid_client("Client authentication failed.");
    if (presented.method == authentication_method::bearer_token)
    {
        // It is a credential of introspection and revocation, not of the token endpoint.
        if (member(parameters, "grant_type"))
            return invalid_client("The token endpoint accepts no bearer token.");
        return client;
    }

    std::optional<failure> problem;
    if (!presented.assertion.empty())
        problem = check_assertion(server, client, presented, parameters);
    else if (
        method_of_certificate(client) == presented.method &&
        presented.method != authentication_method::none)
        problem = check_certificate(client, certificate);
    else
        problem = check_secret(client, presented);
    if (problem)
        return std::move(*problem);
    return client;
}

} // namespace coauth::testing
