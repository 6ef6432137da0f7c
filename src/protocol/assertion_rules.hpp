#ifndef COAUTH_SRC_PROTOCOL_ASSERTION_RULES_HPP
#define COAUTH_SRC_PROTOCOL_ASSERTION_RULES_HPP

#include <coauth/result.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace coauth::protocol
{

// True for the claims that the library sets itself.
bool is_reserved_claim(std::string_view name) noexcept;

// Checks what the options of client assertions and the claims of other assertions have in common.
// `subject` names them in messages, such as "the assertion".
result<void> check_assertion_rules(
    std::string const& subject, std::chrono::seconds backdate, std::string_view json_claims);
// `name` names the lifetime in messages.
result<void> check_assertion_lifetime(std::string const& name, std::chrono::seconds lifetime);

} // namespace coauth::protocol

#endif
