#ifndef COAUTH_SRC_PROTOCOL_RESOURCE_METADATA_HPP
#define COAUTH_SRC_PROTOCOL_RESOURCE_METADATA_HPP

#include <coauth/client_config.hpp>

#include "protocol/response_context.hpp"
#include "values/http_response.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace coauth::protocol
{

// The metadata of a protected resource (RFC 9728 section 2).
struct resource_metadata
{
    std::string resource;
    std::string name;
    std::vector<std::string> authorization_servers;
    std::vector<std::string> scopes;
    std::vector<std::string> bearer_methods;
    std::vector<std::string> dpop_algorithms;
    bool dpop_bound_tokens = false;
    bool certificate_bound_tokens = false;
};

// A URL that may have the metadata of a resource, and the resource that they must name.
struct resource_metadata_url
{
    std::string url;
    std::string resource;
};

// The URLs for an API in the order of use. `challenge_url`: the one in its challenge. Empty: none.
result<std::vector<resource_metadata_url>> resource_metadata_urls(
    std::string const& api_url, std::string const& expected_resource,
    std::string const& challenge_url, bool allow_http_loopback);

// The metadata, which must name the resource (RFC 9728 section 3.3).
result<resource_metadata> read_resource_metadata(
    client_config const& config, std::string_view resource, http_response response,
    response_context const& context);

} // namespace coauth::protocol

#endif
