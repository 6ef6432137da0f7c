#ifndef COAUTH_SRC_CLI_REPORT_HPP
#define COAUTH_SRC_CLI_REPORT_HPP

#include <coauth/access_token.hpp>
#include <coauth/result.hpp>

#include "cli/terminal.hpp"

#include <chrono>
#include <string>

namespace coauth::cli
{

using outcome = result<access_token>;

// For people: what the token is, without the token; or what failed and what to do.
[[nodiscard]] std::string token_summary(
    access_token const& token, std::string const& endpoint, std::chrono::milliseconds elapsed,
    terminal const& where);
[[nodiscard]] std::string
failure_summary(error const& failure, terminal const& where, std::string const& what = "no token");

// For programs: one line of JSON, always valid UTF-8.
[[nodiscard]] std::string json_line(outcome const& result, std::chrono::milliseconds elapsed);

// How many seconds to wait before another try; none when the server did not say.
[[nodiscard]] std::optional<std::chrono::seconds> retry_after(error const& failure);

} // namespace coauth::cli

#endif
