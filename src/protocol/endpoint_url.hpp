#ifndef COAUTH_SRC_PROTOCOL_ENDPOINT_URL_HPP
#define COAUTH_SRC_PROTOCOL_ENDPOINT_URL_HPP

#include <coauth/result.hpp>

#include <string>
#include <string_view>

namespace coauth::protocol
{

// A URL taken apart into what a connection and a request line need.
struct endpoint
{
    bool tls = true;
    // Without brackets, as the resolver and the certificate want it.
    std::string host;
    std::string port;
    // Path and query, at least "/".
    std::string target;
    // The Host field: brackets kept, default port left out.
    std::string host_header;
    bool ip_literal = false;
};

// `what` names the option in messages, as in "server.token_endpoint".
result<endpoint>
parse_endpoint(std::string_view url, std::string_view what, bool allow_http_loopback);

} // namespace coauth::protocol

#endif
