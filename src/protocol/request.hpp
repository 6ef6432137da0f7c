#ifndef COAUTH_SRC_PROTOCOL_REQUEST_HPP
#define COAUTH_SRC_PROTOCOL_REQUEST_HPP

#include <coauth/client_config.hpp>
#include <coauth/token_request.hpp>

#include "protocol/endpoint.hpp"

namespace coauth::protocol
{

// The whole HTTP/1.1 request, head and body in one buffer (RFC 6749 section 4.4.2), ready to be
// written; or errc::invalid_parameter.
result<secret> build_token_request(
    client_config const& config, endpoint const& where, token_request const& request);

} // namespace coauth::protocol

#endif
