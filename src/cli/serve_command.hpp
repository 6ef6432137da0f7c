#ifndef COAUTH_SRC_CLI_SERVE_COMMAND_HPP
#define COAUTH_SRC_CLI_SERVE_COMMAND_HPP

#include "cli/exit_status.hpp"
#include "cli/flags.hpp"

namespace coauth::cli
{

// `coauth serve`: returns after SIGINT, SIGTERM or SIGHUP.
[[nodiscard]] exit_status serve_command(arguments const& args);

} // namespace coauth::cli

#endif
