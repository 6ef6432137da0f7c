#ifndef COAUTH_SRC_PROTOCOL_REDACTED_TRACE_HPP
#define COAUTH_SRC_PROTOCOL_REDACTED_TRACE_HPP

#include <coauth/client_config.hpp>

#include "protocol/redaction.hpp"
#include "values/http_response.hpp"

#include <string>

namespace coauth::protocol
{

// The request as readable text. Masks credentials and every parameter that is not on the allow
// list.
std::string redact_request(secret const& wire);

// The response as readable text of at most 4 KiB. Shows only the values of allow-listed members,
// and of header fields that do not look secret. The response may repeat secrets of `request`.
std::string redact_response(
    http_response const& response, client_authentication const& authentication,
    std::string_view request = {});

} // namespace coauth::protocol

#endif
