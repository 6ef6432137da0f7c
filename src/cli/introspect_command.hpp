#ifndef COAUTH_SRC_CLI_INTROSPECT_COMMAND_HPP
#define COAUTH_SRC_CLI_INTROSPECT_COMMAND_HPP

#include "cli/exit_status.hpp"
#include "cli/flags.hpp"

namespace coauth::cli
{

// `coauth introspect` and `coauth revoke`: about a token that is there already.
[[nodiscard]] exit_status introspect_command(arguments const& args);
[[nodiscard]] exit_status revoke_command(arguments const& args);

} // namespace coauth::cli

#endif
