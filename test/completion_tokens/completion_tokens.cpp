// The completion tokens of the oldest Asio that the library supports.

#include "operations.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>
#include <boost/version.hpp>

#include <memory>
#include <thread>
#include <variant>

namespace asio = boost::asio;
using namespace test;
using asio::experimental::awaitable_operators::operator||;
using boost::system::error_code;

BOOST_AUTO_TEST_SUITE(completion_tokens)

BOOST_AUTO_TEST_CASE(the_version_of_boost_decides_what_is_tried)
{
    BOOST_TEST_MESSAGE("Boost " BOOST_LIB_VERSION);
#if BOOST_VERSION < 108600
    BOOST_TEST_MESSAGE("not tried, because it has none: cancel_after, cancel_at");
#endif
#if !__has_include(<exec/asio/use_sender.hpp>)
    BOOST_TEST_MESSAGE("not tried, because stdexec's Asio adapter is not installed: use_sender");
#endif
    BOOST_TEST(BOOST_VERSION >= 108100);
}

BOOST_AUTO_TEST_CASE(every_operation_takes_a_callback)
{
    operations o;
    for_each_operation(
        o,
        [&](char const* name, auto const& operation)
        {
            std::string got;
            operation([&](auto const& outcome_of_it) { got = outcome(outcome_of_it); });
            o.context.restart();
            o.run();
            BOOST_TEST(got == "success", name << ": " << got);
        });
}

BOOST_AUTO_TEST_CASE(every_operation_completes_with_an_error_code_if_asked)
{
    operations o;
    for_each_operation(
        o,
        [&](char const* name, auto const& operation)
        {
            int calls = 0;
            error_code seen = asio::error::eof;
            auto const token = coauth::as_error_code(
                [&](error_code ec, auto const&...)
                {
                    ++calls;
                    seen = ec;
                });
            operation(token);
            o.context.restart();
            o.run();
            BOOST_TEST(calls == 1, name);
            BOOST_TEST(!seen, name << ": " << seen.message());
        });
    o.client.close();
    error_code seen;
    o.client.async_get_access_token(
        coauth::token_request(), coauth::as_error_code(
                                     [&](error_code ec, coauth::access_token const& token)
                                     {
                                         seen = ec;
                                         BOOST_TEST(token.value().empty());
                                     }));
    o.context.restart();
    o.run();
    BOOST_TEST((seen == coauth::errc::cancelled));
}

// A failed `result` would win.
BOOST_AUTO_TEST_CASE(a_failed_operation_loses_against_one_that_succeeds_later)
{
    operations o;
    auto late = response::token("late");
    late.delay = 200ms;
    o.server.set_response(late);
    auto refused = o.config;
    refused.server.token_endpoint = "https://127.0.0.1:1/token";
    refused.retry.max_attempts = 1;
    coauth::client other(o.context, refused);
    std::string winner;
    auto const both = [&]() -> asio::awaitable<void>
    {
        auto first = other.async_get_access_token(
            coauth::token_request(), coauth::as_error_code(asio::use_awaitable));
        auto second = o.client.async_get_access_token(
            coauth::token_request(), coauth::as_error_code(asio::use_awaitable));
        auto const won = co_await (std::move(first) || std::move(second));
        winner = won.index() == 1 ? std::string(std::get<1>(won).value()) : "refused";
    };
    asio::co_spawn(o.context, both, asio::detached);
    o.run();
    BOOST_TEST(winner == "late");
}

BOOST_AUTO_TEST_CASE(tokens_may_be_combined)
{
    operations o;
    auto const strand = asio::make_strand(o.context);
    int right = 0;
    o.client.async_get_access_token(coauth::token_request(), asio::deferred)(asio::bind_executor(
        strand,
        [&](token_result const& got) { right += got && strand.running_in_this_thread() ? 1 : 0; }));
    o.client.async_get_access_token(
        coauth::token_request(),
        coauth::as_error_code(asio::bind_allocator(
            std::allocator<int>(), [&](error_code ec, auto const&) { right += !ec ? 1 : 0; })));
    o.client.async_get_access_token(
        coauth::token_request(), asio::as_tuple([&](std::tuple<token_result> const& got)
                                                { right += std::get<0>(got) ? 1 : 0; }));
    asio::experimental::make_parallel_group(
        o.tokens.async_get_access_token(coauth::as_error_code(asio::deferred)),
        o.client.async_revoke(
            coauth::secret("a.token"), std::string(), coauth::as_error_code(asio::deferred)))
        .async_wait(
            asio::experimental::wait_for_one_error(),
            [&](auto const&, error_code first, auto const&, error_code second)
            { right += !first && !second ? 1 : 0; });
    o.run();
    BOOST_TEST(right == 4);
}

BOOST_AUTO_TEST_CASE(a_request_may_have_a_time_limit_of_its_own)
{
    operations o;
    o.server.set_response(response::nothing(response_end::stall));
    std::string got;
    stopwatch const watch;
    o.client.async_get_access_token(
        coauth::token_request().timeout(200ms),
        [&](token_result const& ended) { got = outcome(ended); });
    o.run();
    BOOST_TEST(got == "timeout");
    BOOST_TEST(watch.elapsed() >= 190ms);
    for (auto const limit : {0ms, -1ms, std::chrono::milliseconds::max()})
    {
        o.client.async_get_access_token(
            coauth::token_request().timeout(limit),
            [&](token_result const& ended) { got = outcome(ended); });
        o.context.restart();
        o.run();
        BOOST_TEST(got == "invalid_parameter", limit.count());
    }
}

BOOST_AUTO_TEST_SUITE_END()
