#ifndef COAUTH_SRC_CLI_REVOKE_COMMAND_HPP
#define COAUTH_SRC_CLI_REVOKE_COMMAND_HPP

#include "cli/exit_status.hpp"
#include "cli/flags.hpp"

namespace coauth::cli
{

// `coauth revoke`: revokes a token.
[[nodiscard]] exit_status revoke_command(arguments const& args);

} // namespace coauth::cli

#endif
