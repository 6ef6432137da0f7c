#include "cli/report.hpp"

#include "cli/own_words.hpp"
#include "cli/sanitize_for_terminal.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <iostream>
#include <unistd.h>
#include <vector>

namespace coauth::cli
{
namespace
{

using std::chrono::seconds;
using std::chrono::system_clock;

std::string format_line(terminal const& output, std::string name, std::string const& value)
{
    name.resize(10, ' ');
    return "  " + output.dim(name) + value + '\n';
}

std::string count_text(std::int64_t count, std::string const& unit)
{
    return std::to_string(count) + ' ' + unit + (count == 1 ? "" : "s");
}

// The two largest units: "1 hour", "6 days 23 hours".
std::string to_text(seconds span)
{
    struct unit
    {
        std::int64_t size;
        char const* name;
    };
    static constexpr std::array<unit, 5> units = {
        {{31'557'600, "year"}, {86'400, "day"}, {3'600, "hour"}, {60, "minute"}, {1, "second"}}};
    auto rest = std::max<std::int64_t>(0, span.count());
    auto const first = std::find_if(
        units.begin(), units.end() - 1, [rest](unit const& u) { return rest >= u.size; });
    std::string text = count_text(rest / first->size, first->name);
    rest %= first->size;
    auto const second = first + 1;
    if (second != units.end() && rest >= second->size)
        text += ' ' + count_text(rest / second->size, second->name);
    return text;
}

// "2030-01-31 12:00:00 UTC". Empty after the year 9999.
std::string calendar(system_clock::time_point when)
{
    std::time_t const time = system_clock::to_time_t(when);
    std::tm parts{};
    std::array<char, 64> text{};
    if (gmtime_r(&time, &parts) == nullptr || parts.tm_year > 9999 - 1900)
        return {};
    std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
    return text.data();
}

std::string expiry_text(fetch_report const& report)
{
    auto const remaining = remaining_lifetime(report);
    if (!remaining)
        return "unknown: valid until it is rejected";
    std::string text = "in " + to_text(*remaining);
    auto const end = report.token->expires_at();
    std::string const date = end ? calendar(*end) : std::string();
    return date.empty() ? text : text + ", at " + date;
}

seconds age_of(access_token const& token)
{
    auto const age = std::chrono::steady_clock::now() - token.requested_at_steady();
    return std::max(std::chrono::ceil<seconds>(age), seconds(0));
}

// A few characters, to distinguish tokens. None of a short token: they would reveal too much of it.
std::string shorten(std::string_view value, terminal const& output)
{
    std::string const rest = output.unicode() ? "…" : "...";
    std::string const head = value.size() >= 24 ? std::string(value.substr(0, 4)) : std::string();
    return head + rest;
}

} // namespace

std::optional<seconds> remaining_lifetime(fetch_report const& report)
{
    auto const lifetime = report.token->lifetime();
    if (!lifetime || !report.is_from_store)
        return lifetime;
    return std::max(*lifetime - age_of(*report.token), seconds(0));
}

std::string
token_summary(fetch_report const& report, std::string const& endpoint, terminal const& output)
{
    auto const& token = *report.token;
    std::string const scope =
        token.scope().empty() ? "not in the response" : sanitize_for_terminal(token.scope());
    std::string text =
        output.green("Access token") + " from " + sanitize_for_terminal(endpoint) + "\n\n";
    text += format_line(output, "type", sanitize_for_terminal(token.token_type()));
    text += format_line(
        output, "token",
        shorten(token.value(), output) + "  " +
            output.dim(
                "(" + count_text(static_cast<std::int64_t>(token.value().size()), "character") +
                "; --output token prints it)"));
    text += format_line(output, "scope", scope);
    text += format_line(output, "expires", expiry_text(report));
    auto const elapsed = " in " + std::to_string(report.elapsed.count()) + " ms";
    if (report.is_from_store)
        return text + format_line(
                          output, "store",
                          "found" + elapsed + ", requested " + to_text(age_of(token)) + " ago");
    return text +
           format_line(output, "response", "HTTP " + std::to_string(token.http_status()) + elapsed);
}

std::string error_summary(error const& failure, terminal const& output, std::string const& result)
{
    std::string text = output.red("coauth: " + result + ": ") +
                       sanitize_for_terminal(in_own_words(failure).message()) + '\n';
    std::string details;
    if (failure.http_status() != 0)
        details += format_line(output, "status", "HTTP " + std::to_string(failure.http_status()));
    if (!failure.uri().empty())
        details += format_line(output, "more", sanitize_for_terminal(failure.uri()));
    if (auto const wait = retry_after(failure))
        details += format_line(output, "retry", "after " + to_text(*wait));
    return text + details;
}

failure_output usage_output(arguments const& args)
{
    return selects_json(args) ? failure_output::both : failure_output::text;
}

exit_status print_failure(
    char const* result, error const& failure, failure_output output,
    std::chrono::milliseconds elapsed)
{
    if (output != failure_output::text)
        std::cout << json_line(coauth::result<void>(failure), elapsed);
    if (output != failure_output::json)
        std::cerr << error_summary(failure, terminal(STDERR_FILENO), result);
    return to_exit_status(failure.kind());
}

std::optional<seconds> retry_after(error const& failure)
{
    auto const at = failure.retry_at();
    if (!at)
        return std::nullopt;
    auto const wait = std::chrono::ceil<seconds>(*at - system_clock::now());
    return std::max(wait, seconds(0));
}

} // namespace coauth::cli
