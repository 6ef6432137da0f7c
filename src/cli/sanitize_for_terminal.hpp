#ifndef COAUTH_SRC_CLI_SANITIZE_FOR_TERMINAL_HPP
#define COAUTH_SRC_CLI_SANITIZE_FOR_TERMINAL_HPP

#include <string>
#include <string_view>

namespace coauth::cli
{

// The text of a server or an argument as valid UTF-8 that cannot steer a terminal: what is
// malformed, a control character or a change of writing direction becomes '?'.
[[nodiscard]] std::string sanitize_for_terminal(std::string_view text);
[[nodiscard]] std::string in_quotes(std::string_view text);

} // namespace coauth::cli

#endif
