#ifndef COAUTH_SRC_PROTOCOL_PROXY_HPP
#define COAUTH_SRC_PROTOCOL_PROXY_HPP

#include <coauth/client_config.hpp>

#include "protocol/endpoint_url.hpp"

#include <functional>
#include <optional>
#include <string_view>

namespace coauth::protocol
{

// A proxy that opens a tunnel to the server.
struct proxy_route
{
    // TLS to the proxy, with the server's TLS within it.
    bool tls = false;
    std::string host;
    std::uint16_t port = 0;
    // Whether `host` is an IP address.
    bool ip_literal = false;
    // The whole CONNECT request.
    secret request;
};

// The value of an environment variable. None: it is not set.
using environment = std::function<std::optional<std::string>(char const* name)>;
// The environment of this process.
std::optional<std::string> process_environment(char const* name);

// The proxy for this server, or errc::invalid_configuration. None: connect directly.
result<std::optional<proxy_route>> find_proxy(
    proxy_options const& options, endpoint const& server, environment const& variables,
    std::string_view user_agent = {});

// True if `no_proxy` contains this server. It is "*", or a list of names (with their subdomains),
// addresses and address ranges (CIDR), each with an optional port.
bool bypasses_proxy(std::string_view no_proxy, std::string_view host, std::string_view port);

} // namespace coauth::protocol

#endif
