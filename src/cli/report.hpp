#ifndef COAUTH_SRC_CLI_REPORT_HPP
#define COAUTH_SRC_CLI_REPORT_HPP

#include <coauth/access_token.hpp>
#include <coauth/result.hpp>

#include "cli/exit_status.hpp"
#include "cli/flags.hpp"
#include "cli/terminal.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace coauth::cli
{

using token_result = result<access_token>;

// How the command got its token, or failed to.
struct fetch_report
{
    token_result token;
    // It was in the shared store, fetched by another process or at another time.
    bool is_from_store = false;
    std::chrono::milliseconds elapsed{0};
};

// How long the token of a report lives: as the server said, less its age if it is from the store.
// None: its end is not known.
[[nodiscard]] std::optional<std::chrono::seconds> remaining_lifetime(fetch_report const& report);

// Text for people. token_summary() does not contain the token, which there must be.
[[nodiscard]] std::string
token_summary(fetch_report const& report, std::string const& endpoint, terminal const& output);
[[nodiscard]] std::string
error_summary(error const& failure, terminal const& output, std::string const& result = "no token");

// How a command reports its failure.
enum class failure_output
{
    // Text on standard error.
    text,
    // One line of JSON on standard output.
    json,
    // Both: to a program that reads the JSON, and to a person at the terminal.
    both,
};

// Reports a failure. Returns the command's exit status.
exit_status print_failure(
    char const* result, error const& failure, failure_output output = failure_output::text,
    std::chrono::milliseconds elapsed = {});

// One line of JSON in valid UTF-8, for programs.
[[nodiscard]] std::string json_line(fetch_report const& report);
[[nodiscard]] std::string json_line(result<void> const& result, std::chrono::milliseconds elapsed);

// Of a command whose flags cannot be used.
[[nodiscard]] failure_output usage_output(arguments const& args);

// The time until the next attempt is useful. None if the server did not say.
[[nodiscard]] std::optional<std::chrono::seconds> retry_after(error const& failure);

} // namespace coauth::cli

#endif
