#include <coauth/log_observer.hpp>

#include <boost/test/unit_test.hpp>

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

BOOST_AUTO_TEST_SUITE(log_observer)

using coauth::log_level;
using namespace std::chrono_literals;

namespace
{

coauth::event_context context()
{
    return {"billing", "https://auth.example.com/token", 7};
}

struct log_case
{
    std::string name;
    std::function<void(coauth::log_observer&)> event;
    log_level level;
    std::string text;
};

coauth::error refused()
{
    coauth::error_info info;
    info.context = "HTTP status 400\r\nforged line";
    return {coauth::errc::invalid_scope, std::move(info)};
}

coauth::error const failure = refused();

std::string message()
{
    auto text = failure.message();
    for (char& c : text)
        if (c == '\r' || c == '\n')
            c = ' ';
    return text;
}

std::vector<log_case> cases()
{
    using enum coauth::fetch_reason;
    using enum coauth::store_operation;
    using observer = coauth::log_observer;
    return {
        {"phase",
         [](observer& to) { to.on_phase_ended({coauth::phase::tls, 1ms, 3ms, {}, context()}); },
         log_level::debug, "phase tls took 3.0 ms"},
        {"opened", [](observer& to) { to.on_connection_opened({12ms, false, context()}); },
         log_level::debug, "connection opened in 12 ms"},
        {"resumed", [](observer& to) { to.on_connection_opened({12ms, true, context()}); },
         log_level::debug, "connection opened in 12 ms, TLS session resumed"},
        {"reused", [](observer& to) { to.on_connection_reused({context()}); }, log_level::debug,
         "connection reused"},
        {"hedged", [](observer& to) { to.on_request_hedged({2s, context()}); }, log_level::info,
         "the reused connection has been silent for 2000 ms; the request is sent on a new one too"},
        {"closed", [](observer& to) { to.on_connection_closed({1, context()}); }, log_level::debug,
         "connection closed after 1 request"},
        {"attempt", [](observer& to) { to.on_attempt_started({2, context()}); }, log_level::debug,
         "attempt 2 started"},
        {"retried",
         [](observer& to) { to.on_attempt_failed({1, 31ms, failure, 250ms, context()}); },
         log_level::info, "attempt 1 failed after 31 ms; next in 250 ms: " + message()},
        {"gave up", [](observer& to) { to.on_attempt_failed({3, 31ms, failure, {}, context()}); },
         log_level::warning, "attempt 3 failed after 31 ms; no further attempt: " + message()},
        {"cancelled",
         [](observer& to)
         {
             coauth::error const cancelled = coauth::errc::cancelled;
             to.on_attempt_failed({1, 31ms, cancelled, {}, context()});
         },
         log_level::info,
         "attempt 1 failed after 31 ms; no further attempt: " +
             coauth::error(coauth::errc::cancelled).message()},
        {"received", [](observer& to) { to.on_token_received({40ms, 1, context()}); },
         log_level::info, "token received in 40 ms, 1 attempt"},
        {"fetch", [](observer& to) { to.on_fetch_started({empty, context()}); }, log_level::debug,
         "fetch started (empty)"},
        {"fetched", [](observer& to)
         { to.on_fetch_succeeded({refresh, 40ms, 0, 3000s, context()}); }, log_level::info,
         "fetch succeeded (refresh) in 40 ms, 0 callers waiting; usable for 3000 s"},
        {"no end", [](observer& to) { to.on_fetch_succeeded({empty, 40ms, 1, {}, context()}); },
         log_level::info, "fetch succeeded (empty) in 40 ms, 1 caller waiting; no known end"},
        {"once", [](observer& to) { to.on_fetch_succeeded({empty, 40ms, 1, 0s, context()}); },
         log_level::info, "fetch succeeded (empty) in 40 ms, 1 caller waiting; usable once"},
        {"refresh failed",
         [](observer& to) { to.on_fetch_failed({refresh, 40ms, 0, failure, 20s, 60s, context()}); },
         log_level::warning,
         "fetch failed (refresh) after 40 ms, 0 callers waiting; the previous token is usable for "
         "60 s; next in 20 s at the earliest: " +
             message()},
        {"refresh of a token without an end failed",
         [](observer& to)
         {
             auto const for_ever = std::chrono::steady_clock::duration::max();
             to.on_fetch_failed({forced, 40ms, 0, failure, 20s, for_ever, context()});
         },
         log_level::warning,
         "fetch failed (forced) after 40 ms, 0 callers waiting; the previous token is usable, no "
         "known end; next in 20 s at the earliest: " +
             message()},
        {"no token", [](observer& to)
         { to.on_fetch_failed({expired, 40ms, 5, failure, 20s, {}, context()}); }, log_level::error,
         "fetch failed (expired) after 40 ms, 5 callers waiting; there is no other token; next in "
         "20 s at the earliest: " +
             message()},
        {"invalidated", [](observer& to) { to.on_token_invalidated({90s, context()}); },
         log_level::warning, "token invalidated at the age of 90 s"},
        {"abandoned", [](observer& to) { to.on_fetch_abandoned({empty, 5ms, context()}); },
         log_level::info, "fetch abandoned (empty) after 5.0 ms"},
        {"served", [](observer& to) { to.on_token_served({15ms, 20ms, 60s, context()}); },
         log_level::debug, "token served after 15 ms, age 20 ms; usable for 60 s"},
        {"served at once", [](observer& to) { to.on_token_served({{}, 20ms, 60s, context()}); },
         log_level::debug, "token served at once, age 20 ms; usable for 60 s"},
        {"store",
         [](observer& to) { to.on_store_operation_ended({load, 2ms, nullptr, context()}); },
         log_level::debug, "token store: load took 2.0 ms"},
        {"store failed",
         [](observer& to) { to.on_store_operation_ended({publish, 2ms, &failure, context()}); },
         log_level::debug, "token store: publish failed after 2.0 ms: " + message()},
        {"found", [](observer& to) { to.on_shared_token_found({0ms, context()}); }, log_level::info,
         "shared token found at once"},
        {"found later", [](observer& to) { to.on_shared_token_found({80ms, context()}); },
         log_level::info, "shared token found after 80 ms of waiting for another process"},
        {"claim", [](observer& to) { to.on_claim_ended({coauth::claim_outcome::held, context()}); },
         log_level::debug, "claim to fetch a shared token: held"},
        {"claim lost",
         [](observer& to) { to.on_claim_ended({coauth::claim_outcome::lost, context()}); },
         log_level::info, "claim to fetch a shared token: lost"},
        {"bypassed", [](observer& to) { to.on_store_bypassed({&failure, context()}); },
         log_level::warning, "the fetch goes on without the token store: " + message()},
        {"breaker", [](observer& to) { to.on_store_bypassed({nullptr, context()}); },
         log_level::warning, "the fetch goes on without the token store, which has failed of late"},
        {"unusable", [](observer& to) { to.on_record_unusable({failure, context()}); },
         log_level::warning, "a record in the token store is replaced: " + message()},
    };
}

struct written_line
{
    log_level level;
    std::string text;
};

std::vector<written_line>
written_by(std::function<void(coauth::log_observer&)> const& event, log_level least)
{
    std::vector<written_line> lines;
    coauth::log_observer observer(
        least, [&](log_level level, std::string_view line)
        { lines.push_back({level, std::string(line)}); });
    event(observer);
    return lines;
}

} // namespace

BOOST_AUTO_TEST_CASE(each_event_is_one_line_with_its_weight)
{
    for (auto const& row : cases())
        BOOST_TEST_CONTEXT(row.name)
        {
            auto const lines = written_by(row.event, log_level::debug);
            BOOST_TEST_REQUIRE(lines.size() == 1U);
            BOOST_TEST(to_string(lines[0].level) == to_string(row.level));
            BOOST_TEST(lines[0].text == "billing https://auth.example.com/token #7: " + row.text);
        }
}

BOOST_AUTO_TEST_CASE(lighter_events_are_not_written)
{
    for (auto const& row : cases())
        for (auto const least :
             {log_level::debug, log_level::info, log_level::warning, log_level::error})
            BOOST_TEST(
                written_by(row.event, least).size() == (row.level >= least ? 1U : 0U), row.name);
}

BOOST_AUTO_TEST_CASE(a_line_names_what_is_known)
{
    struct
    {
        coauth::event_context context;
        std::string begin;
    } const rows[] = {
        {{}, ""},
        {{"a", {}, 0}, "a: "},
        {{{}, "https://b", 0}, "https://b: "},
        {{{}, {}, 3}, "#3: "},
        {{"two\nlines\x1b", "https://b", 1}, "two lines  https://b #1: "},
    };
    for (auto const& row : rows)
    {
        auto const lines = written_by(
            [&](coauth::log_observer& to) { to.on_connection_reused({row.context}); },
            log_level::debug);
        BOOST_TEST_REQUIRE(lines.size() == 1U);
        BOOST_TEST(lines[0].text == row.begin + "connection reused");
    }
}

BOOST_AUTO_TEST_CASE(without_a_function_nothing_is_written)
{
    coauth::log_observer silent(log_level::debug, nullptr);
    silent.on_connection_reused({});
    BOOST_TEST(to_string(log_level::warning) == "warning");
}

BOOST_AUTO_TEST_SUITE_END()
