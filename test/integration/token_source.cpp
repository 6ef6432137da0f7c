// What callers of a token source see: who waits for what, who is told what, and when.

#include "fixture.hpp"
#include "moved_clock.hpp"

#include <boost/asio/any_completion_executor.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

using namespace test;
namespace asio = boost::asio;
using coauth::fetch_reason;
using coauth::token_source_options;
using coauth::token_source_state;

namespace
{

std::string document(std::string const& token, int expires_in = 3600)
{
    return R"({"access_token":")" + token + R"(","token_type":"Bearer","expires_in":)" +
           std::to_string(expires_in) + "}";
}

response late(std::chrono::milliseconds delay, response what = response::json(200, token_body))
{
    what.delay = delay;
    return what;
}

// A source on an event loop of the test's own.
struct on_one_thread
{
    explicit on_one_thread(token_source_options const& options = {})
        : client(context.get_executor(), with_log_scan(config()))
        , tokens(std::in_place, client, coauth::token_request(), options)
    {
    }

    coauth::client_config config()
    {
        auto made = server.config();
        made.retry.max_attempts = 1;
        return made;
    }
    // Runs until nothing is left to do.
    void run()
    {
        context.restart();
        context.run();
    }
    auto into()
    {
        return [this](token_result r) { got.push_back(std::move(r)); };
    }
    template <class Condition>
    void run_until(Condition const& holds)
    {
        context.restart();
        for (stopwatch const watch; !holds() && watch.elapsed() < 20s;)
            context.run_one_for(5ms);
        BOOST_REQUIRE(holds());
    }
    // Until the server has so many requests.
    void run_until_requests(std::size_t count)
    {
        run_until([&] { return requests() >= count; });
        BOOST_REQUIRE_EQUAL(requests(), count);
    }
    void begin_with(std::string const& token, int expires_in = 3600)
    {
        server.push_response(response::json(200, document(token, expires_in)));
        tokens->async_get_access_token(into());
        run();
        BOOST_REQUIRE_EQUAL(got.size(), 1U);
        BOOST_REQUIRE_EQUAL(require_token(got.front()).value(), token);
        got.clear();
    }
    [[nodiscard]] std::size_t requests() const { return server.requests().size(); }

    authorization_server server = start();
    asio::io_context context;
    coauth::client client;
    std::optional<coauth::token_source> tokens;
    std::vector<token_result> got;
};

// Counts what is allocated and given back through it.
template <class T>
struct counting_allocator
{
    using value_type = T;
    explicit counting_allocator(std::atomic<long>& held, std::atomic<long>& asked)
        : live(&held)
        , total(&asked)
    {
    }
    template <class U>
    counting_allocator(counting_allocator<U> const& other) : live(other.live)
                                                           , total(other.total)
    {
    }
    T* allocate(std::size_t n)
    {
        ++*live;
        ++*total;
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* p, std::size_t n)
    {
        --*live;
        std::allocator<T>().deallocate(p, n);
    }
    template <class U>
    bool operator==(counting_allocator<U> const& other) const
    {
        return live == other.live;
    }
    std::atomic<long>* live;
    std::atomic<long>* total;
};

class events : public coauth::observer
{
public:
    void on_fetch_started(coauth::fetch_started const& e) override
    {
        log += "started:" + std::string(to_string(e.reason)) + ' ';
    }
    void on_fetch_succeeded(coauth::fetch_succeeded const& e) override
    {
        log +=
            "succeeded:" + std::string(to_string(e.reason)) + ':' + std::to_string(e.waiting) + ' ';
        usable_for = e.usable_for;
    }
    void on_fetch_failed(coauth::fetch_failed const& e) override
    {
        log += "failed:" + std::string(to_string(e.reason)) + ':' + std::to_string(e.waiting) +
               ':' + std::string(to_string(e.error.value())) + ' ';
        next_in = e.retry_in;
        took = e.duration;
        usable_for = e.usable_for;
    }
    void on_fetch_abandoned(coauth::fetch_abandoned const& e) override
    {
        log += "abandoned:" + std::string(to_string(e.reason)) + ' ';
    }
    void on_token_served(coauth::token_served const& e) override { served.push_back(e); }
    void on_token_invalidated(coauth::token_invalidated const& e) override
    {
        log += "invalidated ";
        age = e.age;
    }
    std::string log;
    std::vector<coauth::token_served> served;
    std::optional<std::chrono::steady_clock::duration> usable_for;
    std::chrono::steady_clock::duration next_in{};
    std::chrono::steady_clock::duration took{};
    std::chrono::system_clock::duration age{};
};

} // namespace

BOOST_AUTO_TEST_SUITE(token_source)

BOOST_AUTO_TEST_CASE(first_a_fetch_then_hits)
{
    on_one_thread t;
    BOOST_TEST(t.tokens->try_get().empty());
    BOOST_TEST((t.tokens->status().state == token_source_state::empty));
    t.begin_with("a");
    auto const token = t.tokens->try_get();
    BOOST_TEST(token.value() == "a");
    BOOST_TEST(token.authorization() == "Bearer a");
    auto const status = t.tokens->status();
    BOOST_TEST((status.state == token_source_state::fresh));
    BOOST_TEST(status.ready());
    BOOST_TEST(!status.fetching);
    BOOST_TEST((*status.usable_until - *status.obtained_at > 3560s));
    BOOST_TEST((*status.usable_until - *status.obtained_at <= 3570s));
    BOOST_TEST((*status.refresh_at - *status.obtained_at < 2881s));

    t.tokens->async_get_access_token(t.into());
    BOOST_TEST(t.got.empty(), "completed within the initiating function");
    t.run();
    BOOST_REQUIRE_EQUAL(t.got.size(), 1U);
    BOOST_TEST(require_token(t.got.front()).value() == "a");
    BOOST_TEST(t.requests() == 1U);
    auto const counters = t.tokens->counters();
    BOOST_TEST(counters.hits == 2U);
    BOOST_TEST(counters.waits == 1U);
    BOOST_TEST(counters.fetches == 1U);
}

BOOST_AUTO_TEST_CASE(a_hit_makes_no_trip_through_the_loop)
{
    on_one_thread t;
    t.begin_with("a");
    bool posted_ran = false;
    bool ran_first = false;
    auto const work = [&]() -> asio::awaitable<void>
    {
        asio::post(t.context, [&] { posted_ran = true; });
        for (int i = 0; i < 100; ++i)
        {
            auto token = co_await t.tokens->async_get_access_token();
            BOOST_TEST(token->value() == "a");
        }
        auto limited = co_await t.tokens->async_get_access_token(1s);
        BOOST_TEST(limited->value() == "a");
        ran_first = !posted_ran;
    };
    asio::co_spawn(t.context, work, asio::detached);
    t.run();
    BOOST_TEST(ran_first);
    BOOST_TEST(posted_ran);
}

BOOST_AUTO_TEST_CASE(one_fetch_for_ten_thousand)
{
    for (bool const success : {true, false})
    {
        on_one_thread t;
        t.server.push_response(late(
            50ms, success ? response::json(200, token_body)
                          : response::json(400, R"({"error":"invalid_scope"})")));
        for (int i = 0; i < 10'000; ++i)
            t.tokens->async_get_access_token(t.into());
        BOOST_TEST(t.tokens->status().waiting == 10'000U);
        t.run();
        BOOST_REQUIRE_EQUAL(t.got.size(), 10'000U);
        for (auto const& r : t.got)
            BOOST_REQUIRE_EQUAL(outcome(r), success ? "success" : "invalid_scope");
        BOOST_TEST(t.requests() == 1U);
        // The failure is kept for a while, and says for how long.
        if (success)
            continue;
        t.got.clear();
        t.tokens->async_get_access_token(t.into());
        BOOST_TEST(t.got.empty());
        t.run();
        BOOST_TEST(outcome(t.got.at(0)) == "invalid_scope");
        BOOST_TEST(t.got.at(0).error().retry_at().has_value());
        BOOST_TEST(t.requests() == 1U);
        BOOST_TEST((t.tokens->status().state == token_source_state::back_off));
    }
}

// Batches, so that other work of the executor gets its turn.
BOOST_AUTO_TEST_CASE(many_are_woken_without_hogging_the_executor)
{
    on_one_thread t;
    t.server.push_response(late(50ms));
    constexpr int count = 20'000;
    int woken = 0;
    int turns = 0;
    std::function<void()> const other = [&]
    {
        turns += woken > 0;
        if (woken < count)
            asio::post(t.context, other);
    };
    for (int i = 0; i < count; ++i)
        t.tokens->async_get_access_token(
            [&](token_result const&)
            {
                stopwatch const busy;
                ++woken;
                for (auto const until = std::chrono::steady_clock::now() + 1us;
                     std::chrono::steady_clock::now() < until;)
                {
                }
            });
    asio::post(t.context, other);
    t.run();
    BOOST_TEST(woken == count);
    // 20 ms of work at least, in stretches of a quarter.
    BOOST_TEST(turns > 20);
}

BOOST_AUTO_TEST_CASE(a_waiter_is_cancelled_alone)
{
    for (auto const type :
         {asio::cancellation_type::terminal, asio::cancellation_type::partial,
          asio::cancellation_type::total})
    {
        on_one_thread t;
        t.server.push_response(late(100ms));
        asio::cancellation_signal signal;
        std::vector<token_result> cancelled;
        t.tokens->async_get_access_token(asio::bind_cancellation_slot(
            signal.slot(), [&](token_result r) { cancelled.push_back(std::move(r)); }));
        t.tokens->async_get_access_token(t.into());
        t.context.poll();
        signal.emit(type);
        BOOST_TEST(cancelled.empty(), "completed within the emission");
        t.context.poll();
        BOOST_REQUIRE_EQUAL(cancelled.size(), 1U);
        BOOST_TEST(outcome(cancelled.front()) == "cancelled");
        BOOST_TEST(t.got.empty());
        signal.emit(type);
        t.run();
        BOOST_TEST(cancelled.size() == 1U);
        BOOST_TEST(outcome(t.got.at(0)) == "success");
        BOOST_TEST(t.requests() == 1U);
    }
}

BOOST_AUTO_TEST_CASE(the_last_waiter_leaves)
{
    for (bool const ends : {false, true})
    {
        token_source_options options;
        options.cancel_when_unwaited = ends;
        on_one_thread t;
        auto const seen = std::make_shared<events>();
        auto config = t.config();
        config.observer = seen;
        coauth::client observed(t.context.get_executor(), with_log_scan(config));
        t.tokens.emplace(observed, coauth::token_request(), options);
        t.server.push_response(late(ends ? 60'000ms : 300ms));
        asio::cancellation_signal signal;
        t.tokens->async_get_access_token(asio::bind_cancellation_slot(signal.slot(), t.into()));
        t.run_until_requests(1);
        stopwatch const watch;
        signal.emit(asio::cancellation_type::total);
        t.run();
        BOOST_TEST(outcome(t.got.at(0)) == "cancelled");
        BOOST_TEST(t.tokens->try_get().empty() == ends);
        BOOST_TEST(watch.elapsed() < 30s);
        // No back-off: nothing failed.
        BOOST_TEST(!t.tokens->status().last_error);
        BOOST_TEST(
            seen->log ==
            (ends ? "started:empty abandoned:empty " : "started:empty succeeded:empty:0 "));
        auto const counters = t.tokens->counters();
        BOOST_TEST(counters.fetches == (ends ? 0U : 1U));
        BOOST_TEST(counters.failures == 0U);
        auto const& empty = counters.by_reason.at(std::size_t(fetch_reason::empty));
        BOOST_TEST(empty.started == 1U);
        BOOST_TEST(empty.abandoned == (ends ? 1U : 0U));
        BOOST_TEST(empty.succeeded == (ends ? 0U : 1U));
    }
}

BOOST_AUTO_TEST_CASE(the_last_waiter_runs_out_of_time)
{
    token_source_options options;
    options.cancel_when_unwaited = true;
    on_one_thread t(options);
    t.server.push_response(late(60'000ms));
    stopwatch const watch;
    t.tokens->async_get_access_token(50ms, t.into());
    t.run();
    BOOST_TEST(outcome(t.got.at(0)) == "timeout");
    BOOST_TEST(watch.elapsed() < 5s);
    auto const counters = t.tokens->counters();
    BOOST_TEST(counters.by_reason.at(std::size_t(fetch_reason::empty)).abandoned == 1U);
}

BOOST_AUTO_TEST_CASE(a_waiter_has_a_time_limit_of_its_own)
{
    on_one_thread t;
    t.server.push_response(late(2000ms));
    std::vector<std::string> order;
    stopwatch const watch;
    for (auto const limit : {100ms, 50ms, 30'000ms})
        t.tokens->async_get_access_token(
            limit, [&order, limit](token_result const& r)
            { order.push_back(std::to_string(limit.count()) + outcome(r)); });
    while (order.size() < 2 && watch.elapsed() < 20s)
        t.context.run_one_for(10ms);
    BOOST_TEST(
        order == (std::vector<std::string>{"50timeout", "100timeout"}),
        boost::test_tools::per_element());
    t.run();
    BOOST_TEST(order.back() == "30000success");
    // The timer for the rest keeps nothing at work.
    BOOST_TEST(watch.elapsed() < 20s);
    BOOST_TEST(t.requests() == 1U);
}

BOOST_AUTO_TEST_CASE(a_limit_in_a_coroutine)
{
    on_one_thread t;
    t.server.push_response(late(1000ms));
    std::string ended;
    std::string refreshed;
    auto const work = [&]() -> asio::awaitable<void>
    {
        auto token = co_await t.tokens->async_get_access_token(50ms);
        ended = outcome(token);
        if (!token)
            ended += ": " + std::string(token.error().context());
        auto other = co_await t.tokens->async_get_new_access_token(60ms);
        refreshed = outcome(other);
    };
    asio::co_spawn(t.context, work, asio::detached);
    t.tokens->async_get_new_access_token(70ms, t.into());
    t.run();
    BOOST_TEST(refreshed == "timeout");
    BOOST_REQUIRE_EQUAL(t.got.size(), 1U);
    BOOST_TEST(outcome(t.got.front()) == "timeout");
    BOOST_TEST(ended == "timeout: no token came within the time limit of the call");
    BOOST_TEST(t.tokens->try_get().value() == "tok.en-1");
}

// What nobody can reach, and what has passed before it began.
BOOST_AUTO_TEST_CASE(limits_without_end)
{
    using std::chrono::milliseconds;
    on_one_thread t;
    t.server.push_response(late(300ms));
    t.tokens->async_get_access_token(milliseconds::max(), t.into());
    t.tokens->async_get_access_token(std::chrono::hours(25), t.into());
    t.run();
    BOOST_REQUIRE_EQUAL(t.got.size(), 2U);
    BOOST_TEST(outcome(t.got[0]) == "success");
    BOOST_TEST(outcome(t.got[1]) == "success");
    (void)t.tokens->invalidate(t.tokens->try_get());
    t.got.clear();
    t.server.push_response(late(300ms));
    t.tokens->async_get_access_token(milliseconds::min(), t.into());
    t.tokens->async_get_access_token(0ms, t.into());
    t.run();
    BOOST_REQUIRE_EQUAL(t.got.size(), 2U);
    BOOST_TEST(outcome(t.got[0]) == "timeout");
    BOOST_TEST(outcome(t.got[1]) == "timeout");
}

BOOST_AUTO_TEST_CASE(a_thousand_and_a_server_that_hangs)
{
    on_one_thread t;
    t.server.set_response(late(60s));
    std::vector<int> completed(1000);
    std::size_t timeouts = 0;
    for (auto& mine : completed)
        t.tokens->async_get_access_token(
            300ms,
            [&](token_result const& r)
            {
                ++mine;
                timeouts += outcome(r) == "timeout" ? 1U : 0U;
            });
    for (stopwatch const watch; timeouts < completed.size() && watch.elapsed() < 20s;)
        t.context.run_one_for(10ms);
    BOOST_TEST(timeouts == completed.size());
    BOOST_TEST(t.tokens->status().waiting == 0U);
    t.tokens->close();
    t.run();
    BOOST_TEST((completed == std::vector<int>(1000, 1)));
    BOOST_TEST(t.requests() == 1U);
}

BOOST_AUTO_TEST_CASE(over_before_it_comes)
{
    on_one_thread t;
    t.server.push_response(late(1100ms, response::json(200, document("a", 1))));
    for (int i = 0; i < 10; ++i)
        t.tokens->async_get_access_token(t.into());
    t.run();
    BOOST_REQUIRE_EQUAL(t.got.size(), 10U);
    for (auto const& r : t.got)
    {
        BOOST_REQUIRE_EQUAL(outcome(r), "timeout");
        BOOST_TEST(
            r.error().context().find("lifetime of 1 s was over before") != std::string_view::npos);
        check_no_secret(r);
    }
    BOOST_TEST(t.tokens->try_get().empty());
    BOOST_TEST((t.tokens->status().state == token_source_state::back_off));
    BOOST_TEST(t.requests() == 1U);
}

BOOST_AUTO_TEST_CASE(renewed_in_the_background)
{
    token_source_options options;
    options.refresh_at = 0.01;
    options.refresh_jitter = 0;
    options.min_refresh_interval = 1ms;
    auto const seen = std::make_shared<events>();
    on_one_thread t;
    auto config = t.config();
    config.observer = seen;
    coauth::client observed(t.context.get_executor(), with_log_scan(config));
    t.tokens.emplace(observed, coauth::token_request(), options);
    t.begin_with("a", 100);
    BOOST_TEST((t.tokens->status().state == token_source_state::fresh));
    std::this_thread::sleep_for(1050ms);
    t.server.push_response(response::json(200, document("b", 36'000)));
    // Due: the call gets the old token at once, and the renewal begins.
    BOOST_TEST(t.tokens->try_get().value() == "a");
    BOOST_TEST((t.tokens->status().state == token_source_state::refreshing));
    BOOST_TEST(t.tokens->status().fetching);
    t.run();
    BOOST_TEST(t.tokens->try_get().value() == "b");
    BOOST_TEST(t.requests() == 2U);
    BOOST_TEST(seen->log == "started:empty succeeded:empty:1 started:refresh succeeded:refresh:0 ");
    BOOST_TEST((*seen->usable_for > 3560s));
    auto const counters = t.tokens->counters();
    BOOST_TEST(counters.refreshes == 1U);
    auto const& renewal = counters.by_reason.at(std::size_t(fetch_reason::refresh));
    BOOST_TEST(renewal.started == 1U);
    BOOST_TEST(renewal.succeeded == 1U);
}

BOOST_AUTO_TEST_CASE(a_failed_renewal_does_no_harm_before_the_end)
{
    token_source_options options;
    options.refresh_at = 0.1;
    options.refresh_jitter = 0;
    options.min_refresh_interval = 1ms;
    on_one_thread t(options);
    t.begin_with("a", 6);
    t.server.set_response(response::json(503, "{}"));
    std::this_thread::sleep_for(700ms);
    BOOST_TEST(t.tokens->try_get().value() == "a");
    t.run();
    BOOST_TEST(t.tokens->try_get().value() == "a");
    auto const status = t.tokens->status();
    BOOST_TEST(status.failing_since.has_value());
    BOOST_TEST((status.last_error->value() == coauth::errc::http_error));
    BOOST_TEST(t.tokens->counters().by_reason.at(std::size_t(fetch_reason::refresh)).failed == 1U);
    std::this_thread::sleep_until(*status.usable_until + 10ms);
    BOOST_TEST(t.tokens->try_get().empty());
}

BOOST_AUTO_TEST_CASE(renewed_though_nobody_asks)
{
    for (bool const by_a_call : {false, true})
    {
        token_source_options options;
        options.refresh_when_idle = true;
        on_one_thread t(options);
        t.server.push_response(response::json(200, document("a", 1)));
        t.server.push_response(response::json(200, document("b", 1)));
        t.server.push_response(response::json(200, document("c", 3600)));
        if (by_a_call)
            t.tokens->async_get_access_token(t.into());
        else
            t.tokens->warm_up();
        for (stopwatch const watch;
             t.tokens->try_get().value() != "c" && !t.context.stopped() && watch.elapsed() < 20s;)
            t.context.run_for(50ms);
        BOOST_TEST(t.requests() == 3U);
        BOOST_TEST(t.tokens->try_get().value() == "c");
        BOOST_TEST(!t.context.stopped());
        t.tokens->close();
        t.run();
    }
}

BOOST_AUTO_TEST_CASE(fetched_anew_though_nobody_asks)
{
    token_source_options options;
    options.refresh_when_idle = true;
    on_one_thread t(options);
    t.server.push_response(response::json(200, document("a", 3600)));
    t.server.push_response(response::json(200, document("b", 3600)));
    t.tokens->warm_up();
    t.run_until([&] { return t.tokens->status().ready(); });
    BOOST_TEST(t.tokens->invalidate(t.tokens->try_get()));
    t.run_until_requests(2);
    t.tokens->close();
    t.run();
}

// The timer does not know, but whoever wants the token finds out.
BOOST_AUTO_TEST_CASE(renewed_though_the_clock_jumps)
{
    token_source_options options;
    options.refresh_when_idle = true;
    on_one_thread t(options);
    t.server.set_response(response::json(200, document("a", 3600)));
    auto const there = [&] { return !t.tokens->try_get().empty(); };
    t.tokens->warm_up();
    t.run_until(there);
    BOOST_TEST(t.requests() == 1U);
    moved_clock const later(2h);
    BOOST_TEST(!there());
    t.run_until(there);
    BOOST_TEST(t.requests() == 2U);
    t.tokens->close();
    t.run();
}

// What may be used once is not fetched in a row for nobody.
BOOST_AUTO_TEST_CASE(used_once_and_renewed_though_nobody_asks)
{
    token_source_options options;
    options.refresh_when_idle = true;
    options.min_refresh_interval = 1ms;
    on_one_thread t(options);
    t.server.set_response(response::json(200, document("a", 0)));
    t.tokens->warm_up();
    t.run_until_requests(1);
    t.context.run_for(500ms);
    BOOST_TEST(t.requests() == 1U);
    for (int i = 0; i < 3; ++i)
    {
        t.tokens->async_get_access_token(t.into());
        for (stopwatch const watch; t.got.empty() && watch.elapsed() < 20s;)
            t.context.run_one_for(10ms);
        BOOST_REQUIRE_EQUAL(t.got.size(), 1U);
        BOOST_TEST(require_token(t.got.front()).value() == "a");
        t.got.clear();
    }
    t.context.run_for(200ms);
    BOOST_TEST(t.requests() == 4U);
    t.tokens->close();
    t.run();
}

BOOST_AUTO_TEST_CASE(a_thousand_who_invalidate_the_same)
{
    on_one_thread t;
    t.begin_with("a");
    t.server.push_response(response::json(200, document("b")));
    std::vector<coauth::access_token> rejected(1000, t.tokens->try_get());
    int dropped = 0;
    for (auto const& token : rejected)
    {
        dropped += t.tokens->invalidate(token);
        t.tokens->async_get_access_token(t.into());
    }
    BOOST_TEST(dropped == 1);
    t.run();
    BOOST_TEST(t.requests() == 2U);
    for (auto const& r : t.got)
        BOOST_REQUIRE_EQUAL(require_token(r).value(), "b");
    // Those who come late.
    for (auto const& token : rejected)
        BOOST_TEST_REQUIRE(!t.tokens->invalidate(token));
    BOOST_TEST(t.tokens->try_get().value() == "b");
    BOOST_TEST(t.tokens->counters().invalidated == 1U);
}

BOOST_AUTO_TEST_CASE(refreshed_by_force)
{
    on_one_thread t;
    t.begin_with("a");
    t.server.push_response(late(50ms, response::json(200, document("b"))));
    t.tokens->async_get_new_access_token(t.into());
    t.tokens->async_get_new_access_token(t.into());
    t.context.restart();
    t.context.poll();
    BOOST_TEST(t.tokens->try_get().value() == "a");
    t.run();
    BOOST_REQUIRE_EQUAL(t.got.size(), 2U);
    BOOST_TEST(require_token(t.got.back()).value() == "b");
    BOOST_TEST(t.tokens->try_get().value() == "b");
    BOOST_TEST(t.requests() == 2U);
}

BOOST_AUTO_TEST_CASE(throttled_until_the_time_that_the_server_names)
{
    on_one_thread t;
    auto throttled = response::json(429, "{}");
    throttled.headers.add("Retry-After", "3");
    t.server.push_response(throttled);
    for (int i = 0; i < 3; ++i)
    {
        t.tokens->async_get_access_token(t.into());
        t.run();
    }
    BOOST_TEST(t.requests() == 1U);
    for (auto const& r : t.got)
        BOOST_REQUIRE_EQUAL(outcome(r), "rate_limited");
    t.got.clear();
    std::this_thread::sleep_until(t.tokens->status().retry_at.value() + 10ms);
    t.begin_with("a");
}

BOOST_AUTO_TEST_CASE(no_delay_holds_a_forced_fetch)
{
    on_one_thread t;
    auto throttled = response::json(429, "{}");
    throttled.headers.add("Retry-After", "86400");
    t.server.push_response(throttled);
    t.server.push_response(response::json(200, document("a")));
    t.tokens->async_get_access_token(t.into());
    t.run();
    BOOST_TEST(outcome(t.got.at(0)) == "rate_limited");
    // Nobody meant a day.
    auto const delay = t.got.at(0).error().retry_at().value() - std::chrono::system_clock::now();
    BOOST_TEST((delay > 800s && delay <= 900s));
    t.tokens->async_get_new_access_token(t.into());
    t.run();
    BOOST_TEST(require_token(t.got.at(1)).value() == "a");
    BOOST_TEST(t.requests() == 2U);
}

BOOST_AUTO_TEST_CASE(destroyed_while_they_wait)
{
    for (int const what : {0, 1, 2})
    {
        on_one_thread t;
        t.server.push_response(late(60s));
        std::optional<coauth::client> other(std::in_place, t.context.get_executor(), t.config());
        t.tokens.emplace(*other);
        for (int i = 0; i < 100; ++i)
            t.tokens->async_get_access_token(t.into());
        t.run_until_requests(1);
        stopwatch const watch;
        if (what == 0)
            t.tokens.reset();
        else if (what == 1)
            t.tokens->close();
        else
            other.reset();
        BOOST_TEST(t.got.empty());
        t.run();
        BOOST_TEST(watch.elapsed() < 20s);
        BOOST_REQUIRE_EQUAL(t.got.size(), 100U);
        for (auto const& r : t.got)
            BOOST_REQUIRE_EQUAL(outcome(r), "cancelled");
        if (what == 1)
        {
            t.tokens->async_get_access_token(t.into());
            t.run();
            BOOST_TEST(outcome(t.got.back()) == "cancelled");
            BOOST_TEST(t.tokens->try_get().empty());
            BOOST_TEST((t.tokens->status().state == token_source_state::closed));
        }
    }
}

// The handlers go with the context, and what they own with them: here a coroutine that owns the
// source it waits for.
BOOST_AUTO_TEST_CASE(the_context_goes_first)
{
    auto server = start();
    server.set_response(late(60s));
    auto const owned = std::make_shared<int>(0);
    std::optional<asio::io_context> context(std::in_place);
    auto const work = [&](std::shared_ptr<int> witness) -> asio::awaitable<void>
    {
        coauth::client client(context->get_executor(), with_log_scan(server.config()));
        coauth::token_source tokens(client);
        auto token = co_await tokens.async_get_access_token();
        BOOST_ERROR("completed: " << outcome(token) << witness.use_count());
    };
    for (int i = 0; i < 3; ++i)
        asio::co_spawn(*context, work(owned), asio::detached);
    context->run_for(50ms);
    BOOST_TEST(owned.use_count() == 4);
    context.reset();
    BOOST_TEST(owned.use_count() == 1);
}

// What waits for one source owns the next: all of them go while the context does.
BOOST_AUTO_TEST_CASE(sources_that_own_each_other_go_with_the_context)
{
    auto server = start();
    server.set_response(late(60s));
    auto const owned = std::make_shared<int>(0);
    std::optional<asio::io_context> context(std::in_place);
    {
        std::shared_ptr<coauth::token_source> next;
        for (int i = 0; i < 5; ++i)
        {
            coauth::client client(context->get_executor(), with_log_scan(server.config()));
            auto one = std::make_shared<coauth::token_source>(client);
            one->async_get_access_token([one, next, owned](token_result const&) {});
            next = std::move(one);
        }
    }
    context.reset();
    BOOST_TEST(owned.use_count() == 1);
}

// Those on another context are told so by the source, but a client cannot call anybody any more.
BOOST_AUTO_TEST_CASE(asked_when_the_context_is_gone)
{
    auto const server = start();
    auto const owned = std::make_shared<int>(0);
    std::optional<asio::io_context> context(std::in_place);
    coauth::client client(*context, with_log_scan(server.config()));
    coauth::token_source tokens(client);
    context.reset();
    asio::io_context other;
    std::string told;
    auto const work = [&]() -> asio::awaitable<void>
    {
        auto token = co_await tokens.async_get_access_token();
        told = outcome(token);
    };
    auto const directly = [&](std::shared_ptr<int> witness) -> asio::awaitable<void>
    {
        auto token = co_await client.async_get_access_token();
        BOOST_ERROR("completed: " << outcome(token) << witness.use_count());
    };
    asio::co_spawn(other, work, asio::detached);
    asio::co_spawn(other, directly(owned), asio::detached);
    tokens.async_get_access_token([owned](token_result const&) { BOOST_ERROR("completed"); });
    client.async_get_access_token([owned](token_result const&) { BOOST_ERROR("completed"); });
    other.run();
    BOOST_TEST(told == "cancelled");
    BOOST_TEST(owned.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(its_context_ends_by_itself)
{
    on_one_thread t;
    t.begin_with("a");
    t.tokens->async_get_access_token(std::chrono::hours(1), t.into());
    stopwatch const watch;
    t.run();
    BOOST_TEST(watch.elapsed() < 60s);
    BOOST_TEST(t.got.size() == 1U);
}

BOOST_AUTO_TEST_CASE(executor_and_allocator_of_the_handler)
{
    on_one_thread t;
    asio::thread_pool elsewhere(1);
    auto const strand = asio::make_strand(elsewhere);
    std::atomic<long> live = 0;
    std::atomic<long> total = 0;
    std::atomic<int> right{0};
    auto const handler = [&]
    {
        return asio::bind_executor(
            strand, asio::bind_allocator(
                        counting_allocator<int>(live, total), [&](token_result const& r)
                        { right += r.has_value() && strand.running_in_this_thread(); }));
    };
    // One that waits, and one that hits.
    t.tokens->async_get_access_token(handler());
    BOOST_TEST(total > 0);
    t.run();
    t.tokens->async_get_access_token(handler());
    t.run();
    for (stopwatch const watch; right < 2 && watch.elapsed() < 5s;)
        std::this_thread::sleep_for(1ms);
    elsewhere.join();
    BOOST_TEST(right == 2);
    BOOST_TEST(live == 0);
}

BOOST_AUTO_TEST_CASE(every_completion_token)
{
    asio::thread_pool pool(2);
    auto const server = start();
    coauth::client client(pool.get_executor(), with_log_scan(server.config()));
    coauth::token_source tokens(client);
    BOOST_TEST(tokens.async_get_access_token(asio::use_future).get().has_value());
    BOOST_TEST(tokens.async_get_access_token(1s, asio::use_future).get().has_value());
    BOOST_TEST(tokens.async_get_new_access_token(asio::use_future).get().has_value());
    auto operation = tokens.async_get_access_token(asio::deferred);
    BOOST_TEST(std::move(operation)(asio::use_future).get().has_value());
    auto const spawned = [&]() -> asio::awaitable<bool>
    {
        auto plain = co_await tokens.async_get_new_access_token();
        auto explicitly = co_await tokens.async_get_access_token(asio::use_awaitable);
        co_return plain&& explicitly;
    };
    BOOST_TEST(asio::co_spawn(pool, spawned, asio::use_future).get());
    auto moved = std::move(tokens);
    BOOST_TEST(!moved.try_get().empty());
    pool.join();
}

// What one handler throws is the caller's affair; the others are still completed.
BOOST_AUTO_TEST_CASE(a_handler_throws)
{
    on_one_thread t;
    t.server.push_response(late(20ms));
    for (int i = 0; i < 3; ++i)
    {
        t.tokens->async_get_access_token(t.into());
        t.tokens->async_get_access_token([](token_result const&)
                                         { throw std::runtime_error("mine"); });
    }
    int thrown = 0;
    for (bool ended = false; !ended;)
        try
        {
            t.run();
            ended = true;
        }
        catch (std::runtime_error const&)
        {
            ++thrown;
        }
    BOOST_TEST(thrown == 3);
    BOOST_TEST(t.got.size() == 3U);
}

BOOST_AUTO_TEST_CASE(faulty_options_and_faulty_clients)
{
    token_source_options options;
    options.refresh_at = 2;
    on_one_thread t(options);
    t.tokens->async_get_access_token(t.into());
    t.run();
    BOOST_TEST(outcome(t.got.at(0)) == "invalid_configuration");
    BOOST_TEST(t.got.at(0).error().context().find("refresh_at") != std::string_view::npos);
    BOOST_TEST_REQUIRE(t.tokens->status().last_error.has_value());
    BOOST_TEST(t.tokens->status().last_error->message() == t.got.at(0).error().message());
    BOOST_TEST(t.requests() == 0U);

    coauth::client faulty(t.context.get_executor(), {});
    coauth::token_source tokens(faulty);
    tokens.async_get_access_token(t.into());
    t.run();
    BOOST_TEST(outcome(t.got.at(1)) == "invalid_configuration");
}

BOOST_AUTO_TEST_CASE(events_and_counters_of_failures)
{
    auto const seen = std::make_shared<events>();
    on_one_thread t;
    auto config = t.config();
    config.observer = seen;
    coauth::client observed(t.context.get_executor(), with_log_scan(config));
    t.tokens.emplace(observed);
    t.server.push_response(late(100ms, response::json(400, R"({"error":"invalid_scope"})")));
    t.tokens->async_get_access_token(t.into());
    t.run();
    t.tokens->async_get_access_token(t.into());
    t.run();
    BOOST_TEST(seen->log == "started:empty failed:empty:1:invalid_scope ");
    BOOST_TEST((seen->next_in >= 1s && seen->next_in <= 2s));
    BOOST_TEST((seen->took >= 100ms && seen->took < 60s));
    BOOST_TEST(!seen->usable_for);
    auto const counters = t.tokens->counters();
    BOOST_TEST(counters.failures == 1U);
    BOOST_TEST(counters.fast_failures == 1U);
    t.got.clear();
    t.server.push_response(response::json(200, document("a")));
    t.tokens->async_get_new_access_token(t.into());
    t.run();
    t.server.push_response(response::json(503, "{}"));
    t.tokens->async_get_new_access_token(t.into());
    t.run();
    BOOST_TEST_REQUIRE(seen->usable_for.has_value());
    BOOST_TEST((*seen->usable_for > 3500s && *seen->usable_for <= 3570s));
    std::this_thread::sleep_for(10ms);
    BOOST_TEST(t.tokens->invalidate(t.tokens->try_get()));
    BOOST_TEST((seen->age >= 10ms && seen->age < 60s));
    BOOST_TEST(
        seen->log == "started:empty failed:empty:1:invalid_scope started:forced "
                     "succeeded:forced:1 started:forced failed:forced:1:http_error invalidated ");
    auto const by_reason = t.tokens->counters().by_reason;
    BOOST_TEST(by_reason.at(std::size_t(fetch_reason::empty)).started == 1U);
    BOOST_TEST(by_reason.at(std::size_t(fetch_reason::forced)).started == 2U);
}

BOOST_AUTO_TEST_CASE(events_of_what_is_served)
{
    for (bool const hits : {false, true})
    {
        auto const seen = std::make_shared<events>();
        token_source_options options;
        options.observe_cache_hits = hits;
        on_one_thread t;
        auto config = t.config();
        config.observer = seen;
        coauth::client observed(t.context.get_executor(), with_log_scan(config));
        t.tokens.emplace(observed, coauth::token_request(), options);
        t.server.push_response(late(100ms, response::json(200, document("a", 1000))));
        t.tokens->async_get_access_token(t.into());
        t.tokens->async_get_access_token(10s, t.into());
        t.run();
        BOOST_REQUIRE_EQUAL(seen->served.size(), 2U);
        for (auto const& e : seen->served)
        {
            BOOST_TEST_REQUIRE(e.wait.has_value());
            BOOST_TEST((*e.wait >= 100ms && *e.wait < 60s));
            BOOST_TEST((e.age >= 100ms && e.age < 60s));
            BOOST_TEST((*e.usable_for > 900s && *e.usable_for < 970s));
        }
        // So often that it could be had quickly.
        for (int i = 0; i < 10; ++i)
            BOOST_TEST(!t.tokens->try_get().empty());
        t.tokens->async_get_access_token(t.into());
        t.run();
        BOOST_REQUIRE_EQUAL(seen->served.size(), hits ? 13U : 2U);
        if (!hits)
            continue;
        BOOST_TEST(!seen->served.back().wait.has_value());
        BOOST_TEST((seen->served.back().age >= seen->served.front().age));
        BOOST_TEST((*seen->served.back().usable_for <= *seen->served.front().usable_for));
        // What may be used once, and what has no known end.
        t.server.push_response(response::json(200, document("once", 0)));
        t.tokens->async_get_new_access_token(t.into());
        t.run();
        BOOST_TEST((seen->served.back().usable_for == 0s));
        BOOST_TEST((seen->usable_for == 0s));
        t.server.push_response(
            response::json(200, R"({"access_token":"b","token_type":"Bearer"})"));
        t.tokens->async_get_new_access_token(t.into());
        t.run();
        BOOST_TEST(!seen->served.back().usable_for.has_value());
        BOOST_TEST(!seen->usable_for.has_value());
    }
}

BOOST_AUTO_TEST_CASE(closed_in_the_middle_is_no_failure)
{
    auto const seen = std::make_shared<events>();
    on_one_thread t;
    auto config = t.config();
    config.observer = seen;
    coauth::client observed(t.context.get_executor(), with_log_scan(config));
    t.tokens.emplace(observed);
    t.server.push_response(late(60s));
    t.tokens->async_get_access_token(t.into());
    t.run_until_requests(1);
    t.tokens->close();
    t.run();
    BOOST_TEST(outcome(t.got.at(0)) == "cancelled");
    BOOST_TEST(seen->log == "started:empty abandoned:empty ");
    BOOST_TEST(t.tokens->counters().failures == 0U);
}

// The secret is what the function says at the time; refused, it is asked for once more.
BOOST_AUTO_TEST_CASE(credentials_that_change)
{
    on_one_thread t;
    std::string present = "old";
    int asked = 0;
    auto config = t.config();
    config.authentication = coauth::client_authentication::client_secret_post(
        client_id,
        [&]() -> coauth::result<coauth::secret>
        {
            ++asked;
            return coauth::secret(std::string_view(present));
        });
    coauth::client changing(t.context.get_executor(), with_log_scan(config));
    token_source_options options;
    options.initial_back_off = 60s;
    t.tokens.emplace(changing, coauth::token_request(), options);
    auto const refusal = response::json(401, R"({"error":"invalid_client"})");

    // It changed between the question and the response.
    t.server.push_response(late(1000ms, refusal));
    t.server.push_response(response::json(200, document("a")));
    t.tokens->async_get_access_token(t.into());
    t.run_until_requests(1);
    present = "new";
    t.run();
    BOOST_TEST(outcome(t.got.at(0)) == "success");
    auto const requests = t.server.requests();
    BOOST_REQUIRE_EQUAL(requests.size(), 2U);
    BOOST_TEST(requests[0].body.find("client_secret=old") != std::string::npos);
    BOOST_TEST(requests[1].body.find("client_secret=new") != std::string::npos);

    // It did not change: one attempt, and then none for a while.
    t.got.clear();
    t.server.push_response(refusal);
    t.tokens->async_get_new_access_token(t.into());
    t.run();
    BOOST_TEST(outcome(t.got.at(0)) == "invalid_client");
    BOOST_TEST(t.requests() == 3U);
    (void)t.tokens->invalidate(t.tokens->try_get());
    t.tokens->async_get_access_token(t.into());
    t.run();
    BOOST_TEST(outcome(t.got.at(1)) == "invalid_client");
    BOOST_TEST(t.requests() == 3U);

    // It changes: the next caller, some time later, need not wait for the end of the back-off.
    present = "newest";
    std::this_thread::sleep_for(1100ms);
    t.tokens->async_get_access_token(t.into());
    t.run();
    BOOST_TEST(t.requests() == 4U);
    BOOST_TEST(t.server.requests().back().body.find("client_secret=newest") != std::string::npos);
    for (auto const& r : t.got)
        check_no_secret(r, "newest");
}

// As assertions are. Each failure is worth one other try, and then its back-off holds.
BOOST_AUTO_TEST_CASE(credentials_that_change_all_the_time)
{
    on_one_thread t;
    int asked = 0;
    auto config = t.config();
    config.authentication = coauth::client_authentication::client_assertion(
        client_id, [&]() -> coauth::result<coauth::secret>
        { return coauth::secret("assertion-" + std::to_string(++asked)); });
    coauth::client changing(t.context.get_executor(), with_log_scan(config));
    token_source_options options;
    options.initial_back_off = 60s;
    t.tokens.emplace(changing, coauth::token_request(), options);
    t.server.set_response(response::json(401, R"({"error":"invalid_client"})"));
    std::vector<std::size_t> requests;
    for (int second = 0; second < 4; ++second)
    {
        for (int i = 0; i < 20; ++i)
        {
            t.tokens->async_get_access_token(t.into());
            t.run();
        }
        requests.push_back(t.requests());
        std::this_thread::sleep_for(1020ms);
    }
    auto const all = requests.back();
    BOOST_TEST(requests.at(1) == all);
    BOOST_TEST(all <= 4U);
    BOOST_TEST(asked <= 16);
    for (auto const& r : t.got)
        BOOST_TEST(outcome(r) == "invalid_client");
}

// They were not refused: only those are that the fetch sent.
BOOST_AUTO_TEST_CASE(credentials_that_others_find_while_a_fetch_is_under_way)
{
    on_one_thread t;
    std::string present = "first";
    auto config = t.config();
    config.authentication = coauth::client_authentication::client_secret_post(
        client_id, [&] { return coauth::secret(std::string_view(present)); });
    coauth::client changing(t.context.get_executor(), with_log_scan(config));
    t.tokens.emplace(changing);
    auto const refusal = response::json(401, R"({"error":"invalid_client"})");
    t.server.push_response(late(200ms, refusal));
    t.server.push_response(late(500ms, refusal));
    t.server.push_response(response::json(200, document("other")));
    t.server.push_response(response::json(200, document("a")));
    t.tokens->async_get_access_token(t.into());
    t.run_until_requests(1);
    present = "second";
    t.run_until_requests(2);
    present = "third";
    token_result other = coauth::errc::cancelled;
    changing.async_get_access_token({}, [&](token_result r) { other = std::move(r); });
    t.run();
    BOOST_TEST(outcome(other) == "success");
    BOOST_TEST(outcome(t.got.at(0)) == "invalid_client");
    BOOST_TEST(t.requests() == 3U);
    t.tokens->async_get_access_token(t.into());
    t.run();
    BOOST_TEST(outcome(t.got.at(1)) == "success");
    BOOST_TEST(t.requests() == 4U);
}

BOOST_AUTO_TEST_CASE(credentials_of_a_fetch_that_was_given_up_were_not_refused)
{
    token_source_options options;
    options.cancel_when_unwaited = true;
    options.initial_back_off = 60s;
    on_one_thread t;
    std::string present = "first";
    auto config = t.config();
    config.authentication = coauth::client_authentication::client_secret_post(
        client_id, [&] { return coauth::secret(std::string_view(present)); });
    coauth::client changing(t.context.get_executor(), with_log_scan(config));
    t.tokens.emplace(changing, coauth::token_request(), options);
    t.server.push_response(response::json(401, R"({"error":"invalid_client"})"));
    t.server.push_response(late(60s));
    t.server.push_response(response::json(200, document("a")));
    // The second is refused at once, and has looked for others.
    for (int i = 0; i < 2; ++i)
    {
        t.tokens->async_get_access_token(t.into());
        t.run();
    }
    present = "second";
    asio::cancellation_signal stop;
    t.tokens->async_get_new_access_token(asio::bind_cancellation_slot(stop.slot(), t.into()));
    t.run_until_requests(2);
    stop.emit(asio::cancellation_type::total);
    t.run();
    std::this_thread::sleep_for(1100ms);
    t.tokens->async_get_access_token(t.into());
    t.run();
    std::vector<std::string> ends;
    for (auto const& r : t.got)
        ends.push_back(outcome(r));
    BOOST_TEST(
        ends ==
            (std::vector<std::string>{"invalid_client", "invalid_client", "cancelled", "success"}),
        boost::test_tools::per_element());
    BOOST_TEST(t.requests() == 3U);
}

BOOST_AUTO_TEST_CASE(a_secret_that_cannot_be_had)
{
    on_one_thread t;
    auto const outcome_with = [&](coauth::secret_provider from)
    {
        auto config = t.config();
        config.authentication =
            coauth::client_authentication::client_secret_basic(client_id, std::move(from));
        return fetch(config);
    };
    auto const thrown =
        outcome_with([]() -> coauth::result<coauth::secret> { throw std::runtime_error("mine"); });
    BOOST_TEST(outcome(thrown) == "invalid_configuration");
    auto const failed = outcome_with(
        []() -> coauth::result<coauth::secret> { return coauth::error(coauth::errc::timeout); });
    BOOST_TEST(outcome(failed) == "timeout");
    auto const faulty =
        outcome_with([]() -> coauth::result<coauth::secret> { return coauth::secret("a\nb"); });
    BOOST_TEST(outcome(faulty) == "invalid_configuration");
    auto const missing = outcome_with(coauth::secret_from_file("/does/not/exist"));
    BOOST_TEST(outcome(missing) == "invalid_configuration");
    auto const good = outcome_with(
        []() -> coauth::result<coauth::secret> { return coauth::secret(client_secret); });
    BOOST_TEST(outcome(good) == "success");
    BOOST_TEST(t.requests() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
