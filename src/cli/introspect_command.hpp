#ifndef COAUTH_SRC_CLI_INTROSPECT_COMMAND_HPP
#define COAUTH_SRC_CLI_INTROSPECT_COMMAND_HPP

#include "cli/exit_status.hpp"
#include "cli/flags.hpp"

namespace coauth::cli
{

// `coauth introspect`: asks the server about a token.
[[nodiscard]] exit_status introspect_command(arguments const& args);

} // namespace coauth::cli

#endif
