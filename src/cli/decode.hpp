#ifndef COAUTH_SRC_CLI_DECODE_HPP
#define COAUTH_SRC_CLI_DECODE_HPP

#include "cli/terminal.hpp"

#include <string>
#include <string_view>

namespace coauth::cli
{

// Text that shows header and claims of a JSON Web Token, or says that it is none.
[[nodiscard]] std::string decode_token(std::string_view token, terminal const& output);

} // namespace coauth::cli

#endif
