#ifndef COAUTH_SRC_CLI_DISCOVER_COMMAND_HPP
#define COAUTH_SRC_CLI_DISCOVER_COMMAND_HPP

#include "cli/exit_status.hpp"
#include "cli/flags.hpp"

namespace coauth::cli
{

// `coauth discover`: shows the metadata of an issuer.
[[nodiscard]] exit_status discover_command(arguments const& args);

} // namespace coauth::cli

#endif
