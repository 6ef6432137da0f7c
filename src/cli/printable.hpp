#ifndef COAUTH_SRC_CLI_PRINTABLE_HPP
#define COAUTH_SRC_CLI_PRINTABLE_HPP

#include <string>
#include <string_view>

namespace coauth::cli
{

// The text of a server or an argument as valid UTF-8 that cannot steer a terminal: what is
// malformed, a control character or a change of writing direction becomes '?'.
[[nodiscard]] std::string printable(std::string_view text);
[[nodiscard]] std::string in_quotes(std::string_view text);

} // namespace coauth::cli

#endif
