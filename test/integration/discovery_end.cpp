// Deadline and cancellation of a discovery.

#include "discovery_fixture.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/test/unit_test.hpp>

#include <string>
#include <thread>
#include <vector>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(discovery_end)

BOOST_AUTO_TEST_CASE(one_deadline_covers_all_requests)
{
    auto server = start();
    auto missing = response::json(404, "");
    missing.delay = 100ms;
    server.set_response(at(oauth_path, missing));
    auto never = response::bytes("x", response_end::stall);
    never.cut_at = 0;
    server.set_response(at(openid_path, never));
    auto options = trusting(server);
    options.timeout = 300ms;
    stopwatch const watch;
    BOOST_TEST(outcome(discover(server.issuer(), options)) == "timeout");
    BOOST_TEST(watch.elapsed() >= 290ms);
    BOOST_TEST(watch.elapsed() < 2s);
}

BOOST_AUTO_TEST_CASE(every_cancellation_type_ends_it_promptly)
{
    for (auto const type :
         {asio::cancellation_type::terminal, asio::cancellation_type::partial,
          asio::cancellation_type::total})
    {
        auto server = start();
        auto never = response::bytes("x", response_end::stall);
        never.cut_at = 0;
        server.set_response(at(oauth_path, never));
        asio::io_context context;
        asio::cancellation_signal signal;
        std::vector<std::string> ends;
        stopwatch const watch;
        coauth::async_discover(
            context.get_executor(), server.issuer(), trusting(server),
            asio::bind_cancellation_slot(
                signal.slot(), [&](discovery_result const& r) { ends.push_back(outcome(r)); }));
        std::thread canceller(
            [&]
            {
                (void)server.wait_for_requests(1);
                asio::post(context, [&] { signal.emit(type); });
            });
        context.run();
        canceller.join();
        BOOST_TEST(ends == std::vector<std::string>{"cancelled"}, boost::test_tools::per_element());
        BOOST_TEST(watch.elapsed() < 2s);
    }
}

// Includes cancellation before the first step, and between two URLs.
BOOST_AUTO_TEST_CASE(cancellation_ends_it_at_every_step)
{
    auto server = start();
    server.set_response(response::json(404, ""));
    std::size_t steps = 0;
    std::string end = "cancelled";
    // The last step completes without cancellation.
    for (; end == "cancelled" && steps < 1000; ++steps)
    {
        asio::io_context context;
        asio::cancellation_signal signal;
        std::vector<std::string> ends;
        coauth::async_discover(
            context.get_executor(), server.issuer(), trusting(server),
            asio::bind_cancellation_slot(
                signal.slot(), [&](discovery_result const& r) { ends.push_back(outcome(r)); }));
        for (std::size_t step = 0; step < steps; ++step)
            context.run_one();
        if (ends.empty())
            signal.emit(asio::cancellation_type::total);
        context.run();
        BOOST_REQUIRE_EQUAL(ends.size(), 1U);
        end = ends.front();
    }
    BOOST_TEST(end == "http_error");
    BOOST_TEST(steps > 5U);
}

BOOST_AUTO_TEST_CASE(cancellation_ends_it_in_a_coroutine)
{
    auto server = start();
    auto never = response::bytes("x", response_end::stall);
    never.cut_at = 0;
    server.set_response(never);
    asio::io_context context;
    asio::cancellation_signal signal;
    std::string end;
    auto const whole = [&]() -> asio::awaitable<void>
    {
        co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
        co_await asio::this_coro::throw_if_cancelled(false);
        auto const options = trusting(server);
        auto const got =
            co_await coauth::async_discover(context.get_executor(), server.issuer(), options);
        end = outcome(got);
    };
    asio::co_spawn(context, whole(), asio::bind_cancellation_slot(signal.slot(), asio::detached));
    asio::post(context, [&] { signal.emit(asio::cancellation_type::total); });
    context.run();
    BOOST_TEST(end == "cancelled");
}

BOOST_AUTO_TEST_SUITE_END()
