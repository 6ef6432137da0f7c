#ifndef COAUTH_SRC_CLI_EXIT_STATUS_HPP
#define COAUTH_SRC_CLI_EXIT_STATUS_HPP

#include <coauth/error.hpp>

namespace coauth::cli
{

// What the command tells the shell. The numbers are documented in its help.
enum class exit_status
{
    ok = 0,
    refused = 1,
    usage = 2,
    network = 3,
    timeout = 4,
    unusable_response = 5,
};

[[nodiscard]] exit_status status_of(error_kind kind) noexcept;

} // namespace coauth::cli

#endif
