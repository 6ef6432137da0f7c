#ifndef COAUTH_SRC_CLI_TOKEN_COMMAND_HPP
#define COAUTH_SRC_CLI_TOKEN_COMMAND_HPP

#include "cli/exit_status.hpp"
#include "cli/flags.hpp"

namespace coauth::cli
{

// `coauth token`. What it started may still run when it returns, a name lookup for one: the process
// is to be ended without waiting for it.
[[nodiscard]] exit_status token_command(arguments const& args);

} // namespace coauth::cli

#endif
