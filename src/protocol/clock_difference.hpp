#ifndef COAUTH_SRC_PROTOCOL_CLOCK_DIFFERENCE_HPP
#define COAUTH_SRC_PROTOCOL_CLOCK_DIFFERENCE_HPP

#include <coauth/http_headers.hpp>

#include "protocol/response_context.hpp"

#include <string>

namespace coauth::protocol
{

// Says by how much the clocks of client and server differ, for an error of a request that contains
// an assertion or a DPoP proof: their times may be the reason. Empty: by at most 30 s, it is not
// known, or the request contains none.
std::string clock_hint(http_headers const& headers, response_context const& context);

} // namespace coauth::protocol

#endif
