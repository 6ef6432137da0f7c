#include <coauth/log_observer.hpp>

#include "values/encoding.hpp"

#include <array>
#include <cstdio>
#include <utility>

namespace coauth
{
namespace
{

using duration = std::chrono::steady_clock::duration;

std::string to_text(duration time)
{
    double const seconds = std::chrono::duration<double>(time).count();
    std::array<char, 48> text{};
    if (seconds < 0.01)
        std::snprintf(text.data(), text.size(), "%.1f ms", seconds * 1000);
    else if (seconds < 10)
        std::snprintf(text.data(), text.size(), "%.0f ms", seconds * 1000);
    else
        std::snprintf(text.data(), text.size(), "%.0f s", seconds);
    return text.data();
}

std::string counted(std::size_t count, char const* unit)
{
    return std::to_string(count) + ' ' + unit + (count == 1 ? "" : "s");
}

std::string usable_text(std::optional<duration> usable_for)
{
    if (!usable_for)
        return "no known end";
    if (*usable_for == duration::max())
        return "usable, no known end";
    return *usable_for == duration(0) ? "usable once" : "usable for " + to_text(*usable_for);
}

std::string prefix(event_context const& context)
{
    std::string text;
    for (auto const part : {context.client, context.endpoint})
        if (!part.empty())
            text.append(part).append(" ");
    if (context.operation != 0)
        text += '#' + std::to_string(context.operation);
    else if (!text.empty())
        text.pop_back();
    return text.empty() ? text : text + ": ";
}

std::string reason_text(fetch_reason reason)
{
    return "(" + std::string(to_string(reason)) + ")";
}

} // namespace

std::string_view to_string(log_level level) noexcept
{
    switch (level)
    {
    case log_level::debug:
        return "debug";
    case log_level::info:
        return "info";
    case log_level::warning:
        return "warning";
    case log_level::error:
        return "error";
    }
    return "unknown";
}

log_observer::log_observer(log_level least, write_function write)
    : least_(least)
    , write_(std::move(write))
{
}

log_observer::~log_observer() = default;

template <class Text>
void log_observer::write(log_level level, event_context const& context, Text const& text) const
{
    if (level < least_ || !write_)
        return;
    std::string line = prefix(context) + text();
    // A name or an error may have some.
    for (char& c : line)
        if (detail::is_control(c))
            c = ' ';
    write_(level, line);
}

void log_observer::on_phase_ended(phase_ended const& event)
{
    write(
        log_level::debug, event.context,
        [&]
        {
            auto text = "phase " + std::string(to_string(event.phase)) +
                        (event.failure ? " failed after " : " took ") + to_text(event.duration);
            return event.failure ? text + ": " + event.failure.message() : text;
        });
}

void log_observer::on_connection_opened(connection_opened const& event)
{
    write(
        log_level::debug, event.context,
        [&]
        {
            return "connection opened in " + to_text(event.duration) +
                   (event.resumed ? ", TLS session resumed" : "");
        });
}

void log_observer::on_connection_reused(connection_reused const& event)
{
    write(log_level::debug, event.context, [] { return std::string("connection reused"); });
}

void log_observer::on_request_hedged(request_hedged const& event)
{
    write(
        log_level::info, event.context,
        [&]
        {
            return "the reused connection has been silent for " + to_text(event.silence) +
                   "; the request is sent on a new one too";
        });
}

void log_observer::on_connection_closed(connection_closed const& event)
{
    write(
        log_level::debug, event.context,
        [&] { return "connection closed after " + counted(event.requests, "request"); });
}

void log_observer::on_attempt_started(attempt_started const& event)
{
    write(
        log_level::debug, event.context,
        [&] { return "attempt " + std::to_string(event.number) + " started"; });
}

void log_observer::on_attempt_failed(attempt_failed const& event)
{
    bool const goes_on = event.retry_in || event.error == errc::cancelled;
    write(
        goes_on ? log_level::info : log_level::warning, event.context,
        [&]
        {
            auto const next =
                event.retry_in ? "next in " + to_text(*event.retry_in) : "no further attempt";
            return "attempt " + std::to_string(event.number) + " failed after " +
                   to_text(event.duration) + "; " + next + ": " + event.error.message();
        });
}

void log_observer::on_token_received(token_received const& event)
{
    write(
        log_level::info, event.context,
        [&]
        {
            return "token received in " + to_text(event.duration) + ", " +
                   counted(event.attempts, "attempt");
        });
}

void log_observer::on_fetch_started(fetch_started const& event)
{
    write(
        log_level::debug, event.context,
        [&] { return "fetch started " + reason_text(event.reason); });
}

void log_observer::on_fetch_succeeded(fetch_succeeded const& event)
{
    write(
        log_level::info, event.context,
        [&]
        {
            return "fetch succeeded " + reason_text(event.reason) + " in " +
                   to_text(event.duration) + ", " + counted(event.waiting, "caller") +
                   " waiting; " + usable_text(event.usable_for);
        });
}

void log_observer::on_fetch_failed(fetch_failed const& event)
{
    write(
        event.usable_for ? log_level::warning : log_level::error, event.context,
        [&]
        {
            auto const rest = event.usable_for
                                  ? "the previous token is " + usable_text(event.usable_for)
                                  : std::string("there is no other token");
            return "fetch failed " + reason_text(event.reason) + " after " +
                   to_text(event.duration) + ", " + counted(event.waiting, "caller") +
                   " waiting; " + rest + "; next in " + to_text(event.retry_in) +
                   " at the earliest: " + event.error.message();
        });
}

void log_observer::on_token_invalidated(token_invalidated const& event)
{
    write(
        log_level::warning, event.context,
        [&] { return "token invalidated at the age of " + to_text(event.age); });
}

void log_observer::on_fetch_abandoned(fetch_abandoned const& event)
{
    write(
        log_level::info, event.context,
        [&]
        {
            return "fetch abandoned " + reason_text(event.reason) + " after " +
                   to_text(event.duration);
        });
}

void log_observer::on_token_served(token_served const& event)
{
    write(
        log_level::debug, event.context,
        [&]
        {
            auto const wait = event.wait ? "after " + to_text(*event.wait) : std::string("at once");
            return "token served " + wait + ", age " + to_text(event.age) + "; " +
                   usable_text(event.usable_for);
        });
}

void log_observer::on_store_operation_ended(store_operation_ended const& event)
{
    write(
        log_level::debug, event.context,
        [&]
        {
            auto const text = "token store: " + std::string(to_string(event.operation));
            auto const time = to_text(event.duration);
            return event.error == nullptr
                       ? text + " took " + time
                       : text + " failed after " + time + ": " + event.error->message();
        });
}

void log_observer::on_shared_token_found(shared_token_found const& event)
{
    write(
        log_level::info, event.context,
        [&]
        {
            auto const wait = event.wait == duration(0) ? std::string("at once")
                                                        : "after " + to_text(event.wait) +
                                                              " of waiting for another process";
            return "shared token found " + wait;
        });
}

void log_observer::on_claim_ended(claim_ended const& event)
{
    auto const level = event.outcome == claim_outcome::lost ? log_level::info : log_level::debug;
    write(
        level, event.context,
        [&] { return "claim to fetch a shared token: " + std::string(to_string(event.outcome)); });
}

void log_observer::on_store_bypassed(store_bypassed const& event)
{
    write(
        log_level::warning, event.context,
        [&]
        {
            return event.error == nullptr
                       ? std::string("the fetch goes on without the token store, which has failed "
                                     "of late")
                       : "the fetch goes on without the token store: " + event.error->message();
        });
}

void log_observer::on_record_unusable(record_unusable const& event)
{
    write(
        log_level::warning, event.context,
        [&] { return "a record in the token store is replaced: " + event.error.message(); });
}

} // namespace coauth
