#ifndef COAUTH_SRC_PROTOCOL_AUTHORIZATION_DETAILS_HPP
#define COAUTH_SRC_PROTOCOL_AUTHORIZATION_DETAILS_HPP

#include <coauth/result.hpp>

#include <string_view>

namespace coauth::protocol
{

// Checks that the text is a JSON array of objects with a type (RFC 9396 section 2), or
// `errc::invalid_parameter`.
result<void> check_authorization_details(std::string_view json);

} // namespace coauth::protocol

#endif
