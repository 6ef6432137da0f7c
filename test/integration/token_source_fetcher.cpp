// A token source whose tokens a function of the program gets.

#include "token_fetcher_fixture.hpp"
#include "token_source_fixture.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(token_source_fetcher)

using coauth::errc;
using coauth::token_fetch;
using coauth::token_fetch_handler;
using coauth::token_fetcher;
using coauth::token_source;

namespace
{

// Completes with "t1", "t2" and so on.
token_fetcher_fixture::function counting(int& calls)
{
    return [&calls](token_fetch const&, token_fetch_handler const& handler)
    { handler(make_token("t" + std::to_string(++calls))); };
}

// Waits for its cancellation, on which it adds to `log`.
token_fetcher_fixture::function until_cancelled(std::string& log)
{
    return [&log](token_fetch const&, token_fetch_handler const& handler)
    {
        auto timer = std::make_shared<asio::steady_timer>(handler.get_executor(), 60s);
        handler.get_cancellation_slot().assign(
            [&log, timer](asio::cancellation_type)
            {
                log += "cancelled ";
                timer->cancel();
            });
        timer->async_wait([handler](auto) { handler(make_token("late")); });
    };
}

} // namespace

BOOST_AUTO_TEST_CASE(calls_the_function_once_for_all_waiting_calls)
{
    token_fetcher_fixture t;
    int number = 0;
    token_source tokens(t.fetcher(counting(number)), coauth::token_request().scope("s"));
    for (int i = 0; i < 100; ++i)
        tokens.async_get_access_token(t.into_results());
    t.run();
    tokens.async_get_access_token(t.into_results());
    t.run();
    BOOST_TEST(t.results.size() == 101U);
    for (auto const& r : t.results)
        BOOST_TEST(require_token(r).value() == "t1");
    BOOST_TEST(t.calls.size() == 1U);
    BOOST_TEST(t.calls.at(0).request.scope() == "s");
}

// Which token is to be replaced, which was rejected, and why.
BOOST_AUTO_TEST_CASE(passes_the_token_to_be_replaced_and_the_rejected_one)
{
    token_fetcher_fixture t;
    int number = 0;
    token_source tokens(t.fetcher(counting(number)));
    auto const get = [&](bool get_new)
    {
        t.results.clear();
        if (get_new)
            tokens.async_get_new_access_token(t.into_results());
        else
            tokens.async_get_access_token(t.into_results());
        t.run();
        return require_token(t.results.at(0));
    };
    auto const first = get(false);
    auto const second = get(true);
    BOOST_TEST(tokens.invalidate(second));
    (void)get(false);
    (void)get(true);
    std::vector<std::string> calls;
    for (auto const& call : t.calls)
        calls.push_back(
            std::string(to_string(call.reason)) + ' ' + std::string(call.current.value()) + ' ' +
            std::string(call.rejected.value()));
    std::vector<std::string> const expected = {
        "empty  ", "forced t1 ", "invalidated  t2", "forced t3 "};
    BOOST_TEST(calls == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(keeps_refresh_back_off_and_events_to_itself)
{
    token_fetcher_fixture t;
    auto const events = std::make_shared<fetch_events>();
    auto options = t.single_attempt();
    options.observer = events;
    token_source tokens(t.fetcher(
        [&](auto, auto handler)
        {
            if (t.calls.size() == 1)
                return handler(make_error(errc::connect_failed));
            handler(make_token("a"));
        },
        options));
    for (int i = 0; i < 3; ++i)
    {
        tokens.async_get_access_token(t.into_results());
        t.run();
    }
    BOOST_TEST(t.calls.size() == 1U);
    for (auto const& r : t.results)
        BOOST_TEST(outcome(r) == "connect_failed");
    BOOST_TEST(t.results.back().error().retry_at().has_value());
    t.results.clear();
    tokens.async_get_new_access_token(t.into_results());
    t.run();
    BOOST_TEST(outcome(t.results.at(0)) == "success");
    BOOST_TEST(
        events->log == "started:empty failed:empty:1:connect_failed "
                       "started:forced succeeded:forced:1 ");
}

BOOST_AUTO_TEST_CASE(events_have_the_name_and_the_number_of_the_fetch)
{
    struct recorder : coauth::observer
    {
        void on_fetch_started(coauth::fetch_started const& e) override
        {
            name = e.context.client;
            operation = e.context.operation;
            has_endpoint = !e.context.endpoint.empty();
        }
        std::string name;
        std::uint64_t operation = 0;
        bool has_endpoint = true;
    };
    auto const seen = std::make_shared<recorder>();
    token_fetcher_fixture t;
    auto options = t.single_attempt();
    options.observer = seen;
    options.name = "vault";
    token_source tokens(t.fetcher([](auto, auto handler) { handler(make_token("a")); }, options));
    tokens.async_get_access_token(t.into_results());
    t.run();
    BOOST_TEST(seen->name == "vault");
    BOOST_TEST(!seen->has_endpoint);
    BOOST_TEST(seen->operation != 0U);
    BOOST_TEST(t.calls.at(0).operation == seen->operation);
}

BOOST_AUTO_TEST_CASE(cancels_the_function_when_it_is_unwanted)
{
    struct row
    {
        char const* name;
        coauth::token_source_options options;
        bool close;
        char const* cancelled;
    };
    for (auto const& [name, options, close, cancelled] : std::vector<row>{
             {"unwaited", {.cancel_when_unwaited = true}, false, "cancelled "},
             {"unwaited, but it continues", {}, false, ""},
             {"closed", {}, true, "cancelled "}})
        BOOST_TEST_CONTEXT(name)
        {
            std::string log;
            token_fetcher_fixture t;
            token_source tokens(t.fetcher(until_cancelled(log)), {}, options);
            asio::cancellation_signal stop;
            tokens.async_get_access_token(
                asio::bind_cancellation_slot(stop.slot(), t.into_results()));
            t.run_until([&] { return t.calls.size() == 1; });
            if (close)
                tokens.close();
            else
                stop.emit(asio::cancellation_type::total);
            t.run_until([&] { return t.results.size() == 1; });
            BOOST_TEST(outcome(t.results.at(0)) == "cancelled");
            t.context.run_for(20ms);
            BOOST_TEST(log == cancelled);
            if (log.empty())
                tokens.close();
            t.run();
        }
}

BOOST_AUTO_TEST_CASE(may_be_destroyed_before_the_function_completes)
{
    token_fetcher_fixture t;
    std::vector<token_fetch_handler> kept;
    std::optional<token_source> tokens(
        std::in_place, t.fetcher([&](auto, auto handler) { kept.push_back(handler); }));
    tokens->async_get_access_token(t.into_results());
    t.run_until([&] { return kept.size() == 1; });
    tokens.reset();
    t.run();
    BOOST_REQUIRE_EQUAL(t.results.size(), 1U);
    BOOST_TEST(outcome(t.results.at(0)) == "cancelled");
    kept.front()(make_token("late"));
    kept.clear();
    t.run();
}

// The context goes first, as at the end of a program.
BOOST_AUTO_TEST_CASE(may_outlive_the_context)
{
    std::vector<token_fetch_handler> kept;
    std::optional<token_source> tokens;
    bool called = false;
    {
        asio::io_context context;
        token_fetcher const from(context, [&](auto, auto handler) { kept.push_back(handler); });
        tokens.emplace(from);
        tokens->async_get_access_token([&](token_result const&) { called = true; });
        while (kept.empty())
            context.run_one();
    }
    kept.front()(make_token("late"));
    BOOST_TEST(!tokens->try_get());
    tokens.reset();
    kept.clear();
    BOOST_TEST(!called);
}

// A function with a client behind it, as a store that a fleet shares.
BOOST_AUTO_TEST_CASE(may_have_a_function_before_a_client)
{
    token_source_fixture s;
    std::string stored = "shared";
    token_fetcher const behind(s.client);
    token_fetcher const before(
        s.context,
        [&](token_fetch what) -> asio::awaitable<token_result>
        {
            auto const found = std::exchange(stored, std::string());
            if (!found.empty() && what.rejected.value() != found)
                co_return make_token(found);
            co_return co_await behind.async_fetch(what);
        });
    s.server.push_response(response::json(200, token_document("own")));
    s.tokens.emplace(before);
    s.tokens->async_get_access_token(s.into_results());
    s.run();
    auto const shared = require_token(s.results.at(0));
    BOOST_TEST(shared.value() == "shared");
    BOOST_TEST(s.requests() == 0U);
    (void)s.tokens->invalidate(shared);
    stored = "shared";
    s.tokens->async_get_access_token(s.into_results());
    s.run();
    BOOST_TEST(require_token(s.results.at(1)).value() == "own");
    BOOST_TEST(s.requests() == 1U);
}

BOOST_AUTO_TEST_CASE(limits_the_client_behind_a_function_by_its_deadline)
{
    token_source_fixture s;
    token_fetcher const behind(s.client);
    auto options = token_fetcher_fixture::single_attempt();
    options.timeout = 100ms;
    token_fetcher const before(
        s.context, [&](token_fetch what, token_fetch_handler handler)
        { behind.async_fetch(std::move(what), std::move(handler)); }, options);
    s.server.push_response(late(60s));
    before.async_fetch({}, s.into_results());
    s.run();
    BOOST_REQUIRE_EQUAL(s.results.size(), 1U);
    BOOST_TEST(outcome(s.results.at(0)) == "timeout");
}

// Sources that share one function, on a pool, with completions from other threads.
BOOST_AUTO_TEST_CASE(serves_several_sources_on_several_threads)
{
    std::mutex mutex;
    std::vector<std::thread> others;
    asio::thread_pool pool(2);
    token_fetcher const from(
        pool.get_executor(),
        [&](token_fetch const& what, token_fetch_handler const& handler)
        {
            std::lock_guard const lock(mutex);
            others.emplace_back([handler, name = what.request.scope()]
                                { handler(make_token(name)); });
        });
    std::vector<std::unique_ptr<token_source>> sources;
    std::vector<std::future<token_result>> results;
    for (int i = 0; i < 8; ++i)
    {
        sources.push_back(std::make_unique<token_source>(
            from, coauth::token_request().scope("s" + std::to_string(i))));
        for (int n = 0; n < 4; ++n)
            results.push_back(sources.back()->async_get_access_token(asio::use_future));
    }
    for (std::size_t i = 0; i < results.size(); ++i)
    {
        auto const got = results[i].get();
        BOOST_TEST(require_token(got).value() == "s" + std::to_string(i / 4));
    }
    pool.join();
    for (auto& other : others)
        other.join();
    BOOST_TEST(others.size() == 8U);
}

BOOST_AUTO_TEST_SUITE_END()
