// Tokens that a function of the program gets: how a fetch ends.

#include "token_fetcher_fixture.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(token_fetcher)

using coauth::errc;
using coauth::token_fetch;
using coauth::token_fetch_handler;

namespace
{

using awaitable_token = asio::awaitable<token_result>;

awaitable_token after_a_while(token_fetch)
{
    asio::steady_timer timer(co_await asio::this_coro::executor, 5ms);
    co_await timer.async_wait(asio::use_awaitable);
    co_return make_token("a");
}

awaitable_token throw_mine(token_fetch)
{
    asio::steady_timer timer(co_await asio::this_coro::executor, 1ms);
    co_await timer.async_wait(asio::use_awaitable);
    throw std::runtime_error("mine");
}

} // namespace

BOOST_AUTO_TEST_CASE(may_complete_in_any_way_once)
{
    struct row
    {
        char const* way;
        token_fetcher_fixture::function function;
    };
    std::thread other;
    std::optional<token_fetch_handler> kept;
    for (auto const& [way, function] :
         std::vector<row>{
             {"inside the call", [](auto, auto handler) { handler(make_token("a")); }},
             {"later", [](auto, auto handler)
              { asio::post(handler.get_executor(), [handler] { handler(make_token("a")); }); }},
             {"in another thread",
              [&](auto, auto handler)
              {
                  other = std::thread(
                      [handler]
                      {
                          std::this_thread::sleep_for(10ms);
                          handler(make_token("a"));
                      });
              }},
             {"twice",
              [](auto, auto handler)
              {
                  handler(make_token("a"));
                  handler(make_token("b"));
                  handler(make_error(errc::server_error));
              }},
             {"and throw",
              [](auto, auto handler)
              {
                  handler(make_token("a"));
                  throw std::runtime_error("late");
              }},
             {"and keep the handler", [&](auto, auto handler)
              {
                  kept = handler;
                  handler(make_token("a"));
              }}})
        BOOST_TEST_CONTEXT(way)
        {
            token_fetcher_fixture t;
            auto const got = t.fetch(t.fetcher(function));
            BOOST_TEST(require_token(got).value() == "a");
            BOOST_TEST(t.calls.size() == 1U);
            if (other.joinable())
                other.join();
        }
    // Longer than the context.
    (*kept)(make_token("c"));
    kept.reset();
}

BOOST_AUTO_TEST_CASE(may_be_a_coroutine_and_need_not_be_copyable)
{
    token_fetcher_fixture t;
    BOOST_TEST(require_token(t.fetch({t.context, &after_a_while})).value() == "a");
    auto owned = std::make_unique<std::string>("b");
    coauth::token_fetcher const moved(
        t.context, [owned = std::move(owned)](token_fetch what) -> awaitable_token
        { co_return make_token(*owned + std::string(what.request.scope())); });
    token_fetch what;
    what.request.scope("-s");
    BOOST_TEST(require_token(t.fetch(moved, what)).value() == "b-s");
    auto also = std::make_unique<int>(1);
    coauth::token_fetcher const callback(
        t.context.get_executor(), [also = std::move(also)](auto, auto handler)
        { handler(make_token(std::to_string(*also))); });
    BOOST_TEST(require_token(t.fetch(callback)).value() == "1");
}

BOOST_AUTO_TEST_CASE(that_fails_is_an_error)
{
    struct row
    {
        char const* says;
        char const* outcome;
        token_fetcher_fixture::function function;
    };
    std::optional<token_fetch_handler> kept;
    for (auto const& [says, expected, function] :
         std::vector<row>{
             {"mine", "internal_error", [](auto, auto) { throw std::runtime_error("mine"); }},
             {"", "internal_error", [](auto, auto) { throw 7; }},
             {"", "out_of_memory", [](auto, auto) { throw std::bad_alloc(); }},
             {"without a call", "internal_error", [](auto, auto) {}},
             {"empty token", "internal_error",
              [](auto, auto handler) { handler(coauth::access_token()); }},
             {"not allowed in a header", "malformed_response",
              [](auto, auto handler) { handler(make_token("a\r\nX: y")); }},
             {"", "invalid_grant",
              [](auto, auto handler) { handler(make_error(errc::invalid_grant)); }},
             {"did not complete in time", "timeout", [&](auto, auto handler) { kept = handler; }},
             {"", "internal_error", nullptr}})
        BOOST_TEST_CONTEXT(expected << ' ' << says)
        {
            token_fetcher_fixture t;
            auto options = t.single_attempt();
            options.timeout = 100ms;
            auto const got = t.fetch(t.fetcher(function, options));
            BOOST_TEST(outcome(got) == expected);
            BOOST_REQUIRE(!got);
            BOOST_TEST(got.error().message().find(says) != std::string::npos, got.error());
            BOOST_TEST(got.error().attempts() == 1U);
        }
    token_fetcher_fixture t;
    auto const thrown = t.fetch({t.context, &throw_mine, t.single_attempt()});
    BOOST_TEST(outcome(thrown) == "internal_error");
    BOOST_TEST(thrown.error().message().find("mine") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(with_invalid_options_is_not_called)
{
    struct row
    {
        char const* says;
        coauth::token_fetcher_options options;
    };
    for (auto const& [says, options] : std::vector<row>{
             {"timeout is 0 ms", {.timeout = 0ms}},
             {"retry.max_attempts is 0", {.retry = {.max_attempts = 0}}},
             {"retry.attempt_timeout is -1 ms", {.retry = {.attempt_timeout = -1ms}}}})
        BOOST_TEST_CONTEXT(says)
        {
            token_fetcher_fixture t;
            auto const got =
                t.fetch(t.fetcher([](auto, auto handler) { handler(make_token("a")); }, options));
            BOOST_TEST(outcome(got) == "invalid_configuration");
            BOOST_TEST(got.error().message().find(says) != std::string::npos, got.error());
            BOOST_TEST(t.calls.empty());
        }
}

BOOST_AUTO_TEST_CASE(is_called_again_after_transient_errors_only)
{
    struct row
    {
        char const* name;
        coauth::error failure;
        bool refresh_token;
        std::size_t calls;
    };
    coauth::error_info unavailable;
    unavailable.http_status = 503;
    for (auto const& [name, failure, refresh_token, calls] : std::vector<row>{
             {"no connection", make_error(errc::connect_failed), false, 3},
             {"a refusal", make_error(errc::invalid_client), false, 1},
             {"the error of a client", make_error(errc::connect_failed, 3), false, 1},
             {"a refresh token that may be used", make_error(errc::connection_lost), true, 1},
             {"a refresh token that was not used",
              coauth::error(errc::temporarily_unavailable, std::move(unavailable)), true, 3}})
        BOOST_TEST_CONTEXT(name)
        {
            token_fetcher_fixture t;
            coauth::token_fetcher_options options;
            options.retry.initial_back_off = 1ms;
            token_fetch what;
            if (refresh_token)
                what.request = coauth::token_request::refresh_token(coauth::secret("r"));
            auto const got =
                t.fetch(t.fetcher([&](auto, auto handler) { handler(failure); }, options), what);
            BOOST_TEST(outcome(got) == std::string(to_string(failure.value())));
            BOOST_TEST(t.calls.size() == calls);
            BOOST_TEST(got.error().attempts() == std::max<std::size_t>(calls, failure.attempts()));
        }
}

BOOST_AUTO_TEST_CASE(gets_the_deadline_and_is_cancelled_when_it_passes)
{
    token_fetcher_fixture t;
    std::string cancelled;
    auto const never = [&](auto, token_fetch_handler handler)
    {
        auto timer = std::make_shared<asio::steady_timer>(handler.get_executor(), 60s);
        handler.get_cancellation_slot().assign(
            [&, timer](asio::cancellation_type type)
            {
                cancelled += type == asio::cancellation_type::terminal ? 'T' : '?';
                timer->cancel();
            });
        timer->async_wait([handler](auto) { handler(make_token("late")); });
    };
    auto options = t.single_attempt();
    options.timeout = 200ms;
    auto const now = std::chrono::steady_clock::now();
    // That of the fetcher.
    BOOST_TEST(outcome(t.fetch(t.fetcher(never, options))) == "timeout");
    BOOST_TEST((t.calls.at(0).deadline >= now + 200ms && t.calls.at(0).deadline < now + 20s));
    // That of the caller.
    token_fetch what;
    what.deadline = std::chrono::steady_clock::now() + 50ms;
    BOOST_TEST(outcome(t.fetch(t.fetcher(never), what)) == "timeout");
    BOOST_TEST((t.calls.at(1).deadline == what.deadline));
    // That of each attempt.
    options.timeout = 10'000ms;
    options.retry = {.max_attempts = 2, .initial_back_off = 0ms, .attempt_timeout = 50ms};
    auto const twice = t.fetch(t.fetcher(never, options));
    BOOST_TEST(outcome(twice) == "timeout");
    BOOST_TEST(twice.error().attempts() == 2U);
    BOOST_TEST(cancelled == "TTTT");
    // It has passed already.
    what.deadline = now;
    BOOST_TEST(outcome(t.fetch(t.fetcher(never), what)) == "timeout");
    BOOST_TEST(t.calls.size() == 4U);
}

BOOST_AUTO_TEST_CASE(is_cancelled_with_the_operation)
{
    token_fetcher_fixture t;
    std::string ends;
    coauth::token_fetcher const waiting(
        t.context,
        [&](token_fetch) -> awaitable_token
        {
            asio::steady_timer timer(co_await asio::this_coro::executor, 60s);
            boost::system::error_code ec;
            co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
            ends += ec == asio::error::operation_aborted ? "aborted " : "? ";
            co_return make_token("late");
        });
    asio::cancellation_signal stop;
    waiting.async_fetch({}, asio::bind_cancellation_slot(stop.slot(), t.into_results()));
    asio::steady_timer soon(t.context, 20ms);
    soon.async_wait([&](auto) { stop.emit(asio::cancellation_type::partial); });
    t.run();
    BOOST_REQUIRE_EQUAL(t.results.size(), 1U);
    BOOST_TEST(outcome(t.results.at(0)) == "cancelled");
    BOOST_TEST(ends == "aborted ");
}

// The fetch, its handler and the strand are released with the context.
BOOST_AUTO_TEST_CASE(may_complete_after_the_context_is_destroyed)
{
    std::vector<token_fetch_handler> kept;
    std::optional<coauth::token_fetcher> fetcher;
    bool called = false;
    {
        asio::io_context context;
        fetcher.emplace(context, [&](auto, auto handler) { kept.push_back(std::move(handler)); });
        for (int i = 0; i < 2; ++i)
            fetcher->async_fetch({}, [&](token_result const&) { called = true; });
        while (kept.size() < 2)
            context.run_one();
    }
    kept.front()(make_token("a"));
    kept.clear();
    BOOST_TEST(!called);
}

BOOST_AUTO_TEST_SUITE_END()
