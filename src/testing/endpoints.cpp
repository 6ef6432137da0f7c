#include "testing/endpoints.hpp"

#include "testing/api.hpp"
#include "testing/encoding.hpp"
#include "testing/failure.hpp"
#include "testing/metadata.hpp"
#include "testing/token_endpoint.hpp"
#include "testing/token_status.hpp"

namespace coauth::testing
{

namespace
{

response
route(server_state& server, received_request const& request, client_certificate const& certificate)
{
    auto const& options = server.options;
    for (auto const& required : options.required_headers)
        if (request.headers.find(required.name) != required.value)
        {
            auto refused = response::json(401, R"({"message":"No valid API key."})");
            refused.headers.add("WWW-Authenticate", "ApiKey");
            return refused;
        }
    auto const& path = request.target;
    if (path == options.path)
        return handle_token_request(server, request, certificate);
    if (path == options.introspection_path)
        return handle_introspection_request(server, request, certificate);
    if (path == options.revocation_path)
        return handle_revocation_request(server, request, certificate);
    if (path == options.jwks_path && !path.empty())
        return response::json(200, server.jwks());
    if (is_metadata_path(server, path))
        return handle_metadata_request(server, request);
    if (is_api_path(server, path))
        return handle_api_request(server, request);
    if (is_resource_metadata_path(server, path))
        return handle_resource_metadata_request(server);
    return to_response(options.flavor, {404, "not_found", "There is no endpoint at this path."});
}

} // namespace

response handle_request(
    server_state& server, received_request const& request, client_certificate const& certificate)
{
    auto result = route(server, request, certificate);
    if (server.options.flavor == server_flavor::smscx)
    {
        result.headers.add("X-Request-Id", random_text(20));
        result.headers.add("X-Response-Time", "1");
        result.headers.add("X-Rate-Limit-Limit", "100");
        result.headers.add("X-Rate-Limit-Remaining", "99");
    }
    return result;
}

} // namespace coauth::testing
