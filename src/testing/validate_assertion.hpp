#ifndef COAUTH_SRC_TESTING_VALIDATE_ASSERTION_HPP
#define COAUTH_SRC_TESTING_VALIDATE_ASSERTION_HPP

#include "testing/server_state.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coauth::testing
{

// The requirements on a signed assertion (RFC 7523 section 3).
struct assertion_rules
{
    std::string issuer;
    // Empty: any subject.
    std::string subject;
    std::vector<std::string> audiences;
    // The accepted keys as PEM text, and the accepted secret.
    std::vector<std::string> keys;
    std::string secret = {};
};

// Returns a sentence about the first requirement that is not met. None: the assertion is valid, and
// it is recorded in the replay cache.
std::optional<std::string>
validate_assertion(server_state& server, std::string_view assertion, assertion_rules const& rules);

} // namespace coauth::testing

#endif
