#ifndef COAUTH_SRC_PROTOCOL_PROXY_HPP
#define COAUTH_SRC_PROTOCOL_PROXY_HPP

#include <coauth/client_config.hpp>

#include "protocol/endpoint_url.hpp"

#include <functional>
#include <optional>

namespace coauth::protocol
{

// A proxy to ask for a tunnel.
struct proxy_route
{
    std::string host;
    std::uint16_t port = 0;
    // The whole CONNECT request.
    secret request;
};

// A variable of the environment; none: it is not set.
using environment = std::function<std::optional<std::string>(char const* name)>;
// That of the process.
std::optional<std::string> variable(char const* name);

// The proxy for this server, none, or errc::invalid_configuration.
result<std::optional<proxy_route>>
find_proxy(proxy_options const& options, endpoint const& server, environment const& variables);

// Whether NO_PROXY names this server: "*", or a list of names (their subdomains included),
// addresses and address ranges (CIDR), each with an optional port.
bool bypasses_proxy(std::string_view no_proxy, std::string_view host, std::string_view port);

} // namespace coauth::protocol

#endif
