#ifndef COAUTH_SRC_PROTOCOL_REDIRECT_TARGET_HPP
#define COAUTH_SRC_PROTOCOL_REDIRECT_TARGET_HPP

#include <string>
#include <string_view>

namespace coauth::protocol
{

// Scheme, host and path of a Location field (RFC 9110 section 10.2.2), without user information,
// query and fragment, which may contain secrets. A relative location is completed from the request
// and its scheme. Empty: the location is not an http(s) URL.
std::string redirect_target(
    std::string_view location, std::string_view request, std::string_view request_scheme);

} // namespace coauth::protocol

#endif
