#ifndef COAUTH_SRC_CLI_SANITIZE_FOR_TERMINAL_HPP
#define COAUTH_SRC_CLI_SANITIZE_FOR_TERMINAL_HPP

#include <string>
#include <string_view>

namespace coauth::cli
{

// Makes text from a server or an argument safe to print: valid UTF-8 in which malformed bytes,
// control characters and changes of the writing direction are replaced by '?'.
[[nodiscard]] std::string sanitize_for_terminal(std::string_view text);
[[nodiscard]] std::string in_quotes(std::string_view text);

} // namespace coauth::cli

#endif
