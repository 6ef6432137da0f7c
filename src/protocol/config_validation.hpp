#ifndef COAUTH_SRC_PROTOCOL_CONFIG_VALIDATION_HPP
#define COAUTH_SRC_PROTOCOL_CONFIG_VALIDATION_HPP

#include <coauth/client_config.hpp>

#include "protocol/endpoint_url.hpp"

#include <string>
#include <string_view>

namespace coauth::protocol
{

// What the method's secret is to the user: "client secret" or "client assertion".
std::string_view secret_name(authentication_method how) noexcept;

// Every rule that needs no file and no network. Yields the token endpoint, taken apart.
result<endpoint> check_config(client_config const& config);

// What a request is sent to.
enum class place
{
    token,
    introspection,
    revocation,
};

// The URL of it, or its alias for a client with a certificate (RFC 8705 section 5); empty: it is
// not known.
std::string const& endpoint_url_for(client_config const& config, place of);
result<endpoint> make_endpoint_for(client_config const& config, place of);

} // namespace coauth::protocol

#endif
