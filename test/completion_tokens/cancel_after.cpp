// Completion tokens of newer Asio.

#include <boost/version.hpp>

#if BOOST_VERSION >= 108600

#include "operations.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/cancel_after.hpp>
#include <boost/asio/cancel_at.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/experimental/promise.hpp>
#include <boost/asio/experimental/use_coro.hpp>
#include <boost/asio/experimental/use_promise.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <vector>

namespace asio = boost::asio;
using namespace test;
using boost::system::error_code;

BOOST_AUTO_TEST_SUITE(newer_completion_tokens)

BOOST_AUTO_TEST_CASE(every_operation_can_be_cancelled_after_a_time)
{
    operations o(1s);
    o.server.set_response(response::nothing(response_end::stall));
    for_each_operation(
        o,
        [&](char const* name, auto const& operation)
        {
            std::vector<std::string> got;
            auto const add = [&](auto const& ended) { got.push_back(outcome(ended)); };
            operation(asio::cancel_after(200ms, add));
            operation(asio::cancel_at(std::chrono::steady_clock::now() + 200ms, add));
            operation(asio::cancel_after(200ms, asio::deferred))(add);
            o.context.restart();
            o.run();
            BOOST_TEST((got == std::vector<std::string>(3, "cancelled")), name);
        });
}

BOOST_AUTO_TEST_CASE(an_awaited_operation_can_be_cancelled_after_a_time)
{
    operations o(1s);
    o.server.set_response(response::nothing(response_end::stall));
    std::string got;
    auto const await = [&]() -> asio::awaitable<void>
    {
        auto const ended = co_await o.client.async_get_access_token(
            coauth::token_request(), asio::cancel_after(200ms));
        got = outcome(ended);
        auto const call = &call_api;
        auto const rejected = &is_never_rejected;
        auto const [thrown, called] = co_await coauth::async_call_with_token(
            o.tokens, call, rejected, asio::cancel_after(200ms, asio::as_tuple));
        got += " " + outcome(called);
    };
    asio::co_spawn(o.context, await, asio::detached);
    o.run();
    BOOST_TEST(got == "cancelled cancelled");
}

BOOST_AUTO_TEST_CASE(every_operation_can_be_a_promise_or_one_of_many)
{
    operations o;
    for_each_operation(
        o,
        [&](char const* name, auto const& operation)
        {
            std::string got;
            auto promise = operation(asio::experimental::use_promise);
            promise([&](auto const& ended) { got = outcome(ended); });
            std::size_t ended = 0;
            using one = decltype(operation(coauth::as_error_code(asio::deferred)));
            std::vector<one> many;
            for (int i = 0; i < 3; ++i)
                many.push_back(operation(coauth::as_error_code(asio::deferred)));
            asio::experimental::make_parallel_group(std::move(many))
                .async_wait(
                    asio::experimental::wait_for_all(),
                    [&](auto const&, std::vector<error_code> const& codes, auto const&...)
                    {
                        for (auto const& code : codes)
                            ended += !code ? 1U : 0U;
                    });
            o.context.restart();
            o.run();
            BOOST_TEST(got == "success", name << ": " << got);
            BOOST_TEST(ended == 3U, name);
        });
}

BOOST_AUTO_TEST_CASE(calls_with_a_token_can_be_a_promise_or_one_of_many)
{
    operations o;
    auto const call = &call_api;
    auto const rejected = &is_never_rejected;
    std::string got;
    auto promise =
        coauth::async_call_with_token(o.tokens, call, rejected, asio::experimental::use_promise);
    promise([&](std::exception_ptr const&, auto const& ended) { got = outcome(ended); });
    using one = decltype(coauth::async_call_with_token(o.tokens, call, rejected, asio::deferred));
    std::vector<one> many;
    for (int i = 0; i < 3; ++i)
        many.push_back(coauth::async_call_with_token(o.tokens, call, rejected, asio::deferred));
    std::size_t ended = 0;
    asio::experimental::make_parallel_group(std::move(many))
        .async_wait(
            asio::experimental::wait_for_all(),
            [&](auto const&, auto const&, auto const& results)
            {
                for (auto const& result : results)
                    ended += result ? 1U : 0U;
            });
    o.run();
    BOOST_TEST(got == "success");
    BOOST_TEST(ended == 3U);
}

BOOST_AUTO_TEST_CASE(operations_can_be_awaited_in_a_coro)
{
    operations o;
    std::string got;
    auto coro =
        o.client.async_get_access_token(coauth::token_request(), asio::experimental::use_coro);
    coro.async_resume([&](token_result const& ended) { got = outcome(ended); });
    o.run();
    BOOST_TEST(got == "success");
}

BOOST_AUTO_TEST_SUITE_END()

#endif
