#ifndef COAUTH_SRC_CLI_TOKEN_COMMAND_HPP
#define COAUTH_SRC_CLI_TOKEN_COMMAND_HPP

#include "cli/exit_status.hpp"
#include "cli/flags.hpp"

namespace coauth::cli
{

// `coauth token`. A name lookup may still run in another thread when it returns: end the process
// without waiting for that thread.
[[nodiscard]] exit_status token_command(arguments const& args);

} // namespace coauth::cli

#endif
