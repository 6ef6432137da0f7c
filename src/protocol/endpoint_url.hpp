#ifndef COAUTH_SRC_PROTOCOL_ENDPOINT_URL_HPP
#define COAUTH_SRC_PROTOCOL_ENDPOINT_URL_HPP

#include <coauth/result.hpp>

#include <string>
#include <string_view>

namespace coauth::protocol
{

// The parts of a URL that connections and requests use.
struct endpoint
{
    bool tls = true;
    // Without brackets, for the resolver and the certificate.
    std::string host;
    std::string port;
    // Path and query, at least "/".
    std::string target;
    // The Host field: with brackets, without the default port.
    std::string host_header;
    bool ip_literal = false;
};

// Parses an endpoint's URL, or returns errc::invalid_configuration. Messages name the `option`,
// such as "server.token_endpoint". http:// is accepted only for loopback addresses, and only if
// allowed.
COAUTH_DECL result<endpoint>
parse_endpoint(std::string_view url, std::string_view option, bool allow_http_loopback);

// Scheme and authority of an absolute URL, as it is written.
std::string_view origin_of(std::string_view url);

// True if the host is an IPv6 address with a zone (RFC 6874).
bool has_ipv6_zone(std::string_view url);

} // namespace coauth::protocol

#endif
