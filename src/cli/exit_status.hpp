#ifndef COAUTH_SRC_CLI_EXIT_STATUS_HPP
#define COAUTH_SRC_CLI_EXIT_STATUS_HPP

#include <coauth/error.hpp>

namespace coauth::cli
{

// The exit status of the command. `coauth token --help` documents the numbers.
enum class exit_status
{
    ok = 0,
    refused = 1,
    usage = 2,
    network = 3,
    timeout = 4,
    unusable_response = 5,
};

[[nodiscard]] exit_status to_exit_status(error_kind kind) noexcept;

} // namespace coauth::cli

#endif
