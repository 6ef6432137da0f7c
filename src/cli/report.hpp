#ifndef COAUTH_SRC_CLI_REPORT_HPP
#define COAUTH_SRC_CLI_REPORT_HPP

#include <coauth/access_token.hpp>
#include <coauth/result.hpp>

#include "cli/exit_status.hpp"
#include "cli/terminal.hpp"

#include <chrono>
#include <string>

namespace coauth::cli
{

using token_result = result<access_token>;

// Text for people. token_summary() does not contain the token.
[[nodiscard]] std::string token_summary(
    access_token const& token, std::string const& endpoint, std::chrono::milliseconds elapsed,
    terminal const& output);
[[nodiscard]] std::string
error_summary(error const& failure, terminal const& output, std::string const& result = "no token");

// Writes `error_summary` to standard error. Returns the command's exit status.
exit_status print_failure(char const* result, error const& failure);

// One line of JSON in valid UTF-8, for programs.
[[nodiscard]] std::string json_line(token_result const& result, std::chrono::milliseconds elapsed);

// The time until the next attempt is useful. None if the server did not say.
[[nodiscard]] std::optional<std::chrono::seconds> retry_after(error const& failure);

} // namespace coauth::cli

#endif
