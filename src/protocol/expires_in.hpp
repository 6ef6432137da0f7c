#ifndef COAUTH_SRC_PROTOCOL_EXPIRES_IN_HPP
#define COAUTH_SRC_PROTOCOL_EXPIRES_IN_HPP

#include <coauth/authorization_server.hpp>

#include <chrono>
#include <optional>
#include <string_view>

namespace coauth::policy
{

// How an `expires_in` was written.
enum class json_form
{
    absent,
    null,
    // A JSON number or a string: `text` holds its characters.
    number,
    string,
    // true, false, an object or an array.
    other,
};

struct lifetime
{
    // False: the response is malformed.
    bool valid = false;
    // None: no known end. Zero: to be used once.
    std::optional<std::chrono::seconds> seconds;
};

// What `expires_in` means at this server. Fractions are rounded down, huge values clamped to 2^31-1
// seconds; infinite and not-a-number values are malformed.
lifetime interpret_expires_in(json_form form, std::string_view text, expires_in_rules const& rules);

} // namespace coauth::policy

#endif
