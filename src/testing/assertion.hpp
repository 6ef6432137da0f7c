#ifndef COAUTH_SRC_TESTING_ASSERTION_HPP
#define COAUTH_SRC_TESTING_ASSERTION_HPP

#include "testing/server_state.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coauth::testing
{

// What a signed assertion has to be (RFC 7523 section 3).
struct assertion_rules
{
    std::string issuer;
    // Empty: any.
    std::string subject;
    std::vector<std::string> audiences;
    // By which it may be signed: PEM text, or a secret.
    std::vector<std::string> keys;
    std::string secret = {};
};

// What is wrong with it, in a sentence; none: it is good, and used up.
std::optional<std::string>
validate_assertion(server_state& server, std::string_view assertion, assertion_rules const& rules);

} // namespace coauth::testing

#endif
