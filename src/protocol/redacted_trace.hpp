#ifndef COAUTH_SRC_PROTOCOL_REDACTED_TRACE_HPP
#define COAUTH_SRC_PROTOCOL_REDACTED_TRACE_HPP

#include <coauth/client_config.hpp>

#include "protocol/redaction.hpp"
#include "values/http_response.hpp"

#include <string>

namespace coauth::protocol
{

// The request as readable text: credentials and every parameter that may be one are masked.
std::string redact_request(secret const& wire);

// The response as readable text of at most 4 KiB: only members and fields known to be harmless keep
// their values. `request` is what was sent, which the response may repeat.
std::string redact_response(
    http_response const& response, client_config const& config, std::string_view request = {});

} // namespace coauth::protocol

#endif
