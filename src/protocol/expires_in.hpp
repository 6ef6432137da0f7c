#ifndef COAUTH_SRC_PROTOCOL_EXPIRES_IN_HPP
#define COAUTH_SRC_PROTOCOL_EXPIRES_IN_HPP

#include <coauth/authorization_server.hpp>

#include "values/json_document.hpp"

#include <chrono>
#include <optional>

namespace coauth::protocol
{

// The lifetime of a token.
struct lifetime
{
    // False: the member has no meaning, and the response is malformed.
    bool valid = false;
    // None: the end is unknown. Zero: the token may be used once.
    std::optional<std::chrono::seconds> seconds;
};

// Interprets the member `expires_in` (RFC 6749 section 5.1) by the rules of this server. Fractions
// are rounded down, large numbers are cut to 2^31-1 seconds. A string may have spaces at its ends.
lifetime interpret_expires_in(detail::json_value const& value, expires_in_rules const& rules);

// The lifetime that a rule stands for.
lifetime apply_rule(expires_in_rule rule, expires_in_rules const& rules);

} // namespace coauth::protocol

#endif
