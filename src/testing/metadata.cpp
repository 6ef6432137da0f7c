#include "testing/metadata.hpp"

#include "testing/failure.hpp"
#include "testing/signature.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

namespace coauth::testing
{

namespace
{

namespace json = boost::json;

bool any(server_options const& options, auto registered_client::* credential)
{
    for (auto const& client : options.clients)
        if (!(client.*credential).empty())
            return true;
    return false;
}

bool requests_certificates(server_options const& options)
{
    return options.tls && options.client_certificates != client_certificates::not_requested;
}

json::array methods(server_options const& options)
{
    json::array found;
    auto const add = [&](authentication_method method) { found.emplace_back(to_string(method)); };
    add(authentication_method::client_secret_basic);
    add(authentication_method::client_secret_post);
    if (any(options, &registered_client::assertion_secret))
        add(authentication_method::client_secret_jwt);
    if (any(options, &registered_client::public_keys))
        add(authentication_method::private_key_jwt);
    if (requests_certificates(options) && any(options, &registered_client::subject))
        add(authentication_method::tls_client_auth);
    if (requests_certificates(options) && any(options, &registered_client::certificates))
        add(authentication_method::self_signed_tls_client_auth);
    return found;
}

void append(json::array& to, auto const& names)
{
    for (auto const& name : names)
        to.emplace_back(json::string_view(name));
}

json::array list(auto const& names)
{
    json::array result;
    append(result, names);
    return result;
}

json::array assertion_algorithms(server_options const& options)
{
    json::array found;
    if (any(options, &registered_client::assertion_secret))
        append(found, hmac_algorithms());
    if (any(options, &registered_client::public_keys))
        append(found, key_algorithms());
    return found;
}

void add_endpoints(json::object& to, server_options const& options, std::string const& origin)
{
    to["token_endpoint"] = origin + options.path;
    if (!options.introspection_path.empty())
        to["introspection_endpoint"] = origin + options.introspection_path;
    if (!options.revocation_path.empty())
        to["revocation_endpoint"] = origin + options.revocation_path;
}

void add_methods(json::object& to, server_options const& options)
{
    for (auto const* const endpoint : {"token", "introspection", "revocation"})
    {
        if (!to.contains(endpoint + std::string("_endpoint")))
            continue;
        auto const prefix = endpoint + std::string("_endpoint_auth_");
        to[prefix + "methods_supported"] = methods(options);
        auto algorithms = assertion_algorithms(options);
        if (!algorithms.empty())
            to[prefix + "signing_alg_values_supported"] = std::move(algorithms);
    }
}

json::object describe(server_state const& server)
{
    auto const& options = server.options;
    json::object document;
    document["issuer"] = server.issuer();
    if (!options.jwks_path.empty())
        document["jwks_uri"] = server.origin() + options.jwks_path;
    add_endpoints(document, options, server.origin());
    add_methods(document, options);
    document["grant_types_supported"] = list(options.grants);
    document["scopes_supported"] = list(options.scopes);
    // Required by RFC 8414 section 2; there is no authorization endpoint.
    document["response_types_supported"] = json::array();
    if (options.dpop != dpop::off)
        document["dpop_signing_alg_values_supported"] = list(key_algorithms());
    if (requests_certificates(options))
    {
        document["tls_client_certificate_bound_access_tokens"] = true;
        json::object aliases;
        add_endpoints(aliases, options, server.mtls_origin());
        document["mtls_endpoint_aliases"] = std::move(aliases);
    }
    return document;
}

} // namespace

bool is_metadata_path(server_state const& server, std::string_view path)
{
    auto const& of_issuer = server.options.issuer_path;
    return path == "/.well-known/oauth-authorization-server" + of_issuer ||
           path == of_issuer + "/.well-known/openid-configuration";
}

response handle_metadata_request(server_state const& server, received_request const& request)
{
    if (request.method != "GET")
    {
        failure problem{405, "invalid_method", "The metadata endpoint accepts only GET."};
        problem.allow = "GET";
        return to_response(server.options.flavor, problem);
    }
    return response::json(200, json::serialize(describe(server)));
}

} // namespace coauth::testing
