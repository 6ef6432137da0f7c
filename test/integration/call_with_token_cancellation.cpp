// Cancelling a call of an API, in every phase.

#include "call_with_token_fixture.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(call_with_token_cancellation)

// Cancellation also works if the program disables throwing on cancellation.
BOOST_AUTO_TEST_CASE(cancellation_after_the_first_call_prevents_the_second_one)
{
    for (bool const accepted : {true, false})
    {
        api_client r;
        r.server.push_response(response::json(200, token_document("a")));
        r.server.push_response(response::json(200, token_document("b")));
        if (accepted)
            r.remote.accepted = {"a"};
        asio::cancellation_signal signal;
        std::string ended;
        auto const work = [&]() -> asio::awaitable<void>
        {
            co_await asio::this_coro::throw_if_cancelled(false);
            co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
            auto const call = [&](coauth::access_token token) -> asio::awaitable<api_response>
            {
                auto responded = co_await r.remote.call(std::move(token));
                // Like a call that can no longer be cancelled.
                signal.emit(asio::cancellation_type::total);
                co_return std::move(responded);
            };
            auto got = co_await coauth::async_call_with_token(r.tokens, call);
            ended = got ? std::to_string(got->status) : std::string(to_string(got.error().value()));
        };
        asio::co_spawn(
            r.context, work, asio::bind_cancellation_slot(signal.slot(), asio::detached));
        r.context.run();
        BOOST_TEST(ended == (accepted ? "200" : "cancelled"));
        BOOST_TEST(r.remote.calls == 1);
        BOOST_TEST(r.server.requests().size() == 1U);
        // No other caller receives the rejected token.
        BOOST_TEST(r.tokens.try_get().empty() == !accepted);
    }
}

// Asio would throw in the awaiting coroutine; the library returns an error instead.
BOOST_AUTO_TEST_CASE(cancellation_when_the_token_arrives_prevents_the_call)
{
    struct at_arrival : coauth::observer
    {
        void on_fetch_succeeded(coauth::fetch_succeeded const& /*event*/) override
        {
            if (--left == 0)
                signal.emit(asio::cancellation_type::total);
        }
        asio::cancellation_signal signal;
        int left = 0;
    };
    // In the call with the first token, which the API rejects, or with the second.
    for (int const arrival : {1, 2})
    {
        auto server = start();
        server.push_response(response::json(200, token_document("a")));
        server.push_response(response::json(200, token_document("b")));
        auto const watching = std::make_shared<at_arrival>();
        watching->left = arrival;
        auto config = server.config();
        config.observer = watching;
        asio::io_context context;
        coauth::client client(context.get_executor(), with_log_scan(config));
        coauth::token_source tokens(client);
        api remote;
        std::string ended;
        auto const work = [&]() -> asio::awaitable<void>
        {
            co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
            auto const call = [&](coauth::access_token token)
            { return remote.call(std::move(token)); };
            auto got = co_await coauth::async_call_with_token(tokens, call);
            ended = got ? std::to_string(got->status) : std::string(to_string(got.error().value()));
        };
        asio::co_spawn(
            context, work, asio::bind_cancellation_slot(watching->signal.slot(), asio::detached));
        context.run();
        BOOST_TEST(ended == "cancelled");
        BOOST_TEST(remote.calls == arrival - 1);
        BOOST_TEST(tokens.try_get().value() == (arrival == 1 ? "a" : "b"));
    }
}

BOOST_AUTO_TEST_CASE(cancellation_completes_a_callback_once)
{
    for (auto const type : {asio::cancellation_type::terminal, asio::cancellation_type::total})
    {
        api_client r;
        auto slow = response::json(200, token_document("a"));
        slow.delay = 60s;
        r.server.push_response(slow);
        asio::cancellation_signal signal;
        std::vector<std::string> completed;
        auto const call = [&](coauth::access_token token)
        { return r.remote.call(std::move(token)); };
        coauth::async_call_with_token(
            r.tokens, call, coauth::is_invalid_token_response(),
            asio::bind_cancellation_slot(
                signal.slot(), [&](std::exception_ptr failure, coauth::result<api_response> got)
                { completed.push_back(failure ? "thrown" : outcome(got)); }));
        BOOST_TEST(completed.empty());
        r.context.run_for(50ms);
        signal.emit(type);
        for (stopwatch const watch; completed.empty() && watch.elapsed() < 20s;)
            r.context.run_one_for(10ms);
        BOOST_REQUIRE_EQUAL(completed.size(), 1U);
        BOOST_TEST(completed.front() == "cancelled");
        r.tokens.close();
        r.context.restart();
        r.context.run();
    }
}

// Emitted before the first step, for a handler without a known executor, such as those of a
// parallel group.
BOOST_AUTO_TEST_CASE(cancellation_before_the_first_step_prevents_the_call)
{
    for (auto const type :
         {asio::cancellation_type::terminal, asio::cancellation_type::partial,
          asio::cancellation_type::total})
    {
        api_client r;
        asio::cancellation_signal signal;
        std::vector<std::string> completed;
        auto const call = [&](coauth::access_token token)
        { return r.remote.call(std::move(token)); };
        auto operation = coauth::async_call_with_token(r.tokens, call, asio::deferred);
        asio::experimental::make_parallel_group(std::move(operation))
            .async_wait(
                asio::experimental::wait_for_all(),
                asio::bind_cancellation_slot(
                    signal.slot(), [&](std::array<std::size_t, 1>, std::exception_ptr failure,
                                       coauth::result<api_response> got)
                    { completed.push_back(failure ? "thrown" : outcome(got)); }));
        signal.emit(type);
        r.context.run();
        BOOST_TEST(
            completed == std::vector<std::string>{"cancelled"}, boost::test_tools::per_element());
        BOOST_TEST(r.remote.calls == 0);
    }
}

// The signal is emitted when the completion is already posted, and destroyed with the handler.
BOOST_AUTO_TEST_CASE(a_signal_may_be_destroyed_with_the_handler_that_owns_it)
{
    for (bool const in_a_handler : {false, true})
    {
        api_client r;
        r.server.push_response(response::json(200, token_document("a")));
        r.tokens.warm_up();
        r.context.run();
        BOOST_TEST_REQUIRE(!r.tokens.try_get().empty());
        auto const strand = asio::make_strand(r.context);
        auto signal = std::make_shared<asio::cancellation_signal>();
        auto const slot = signal->slot();
        std::weak_ptr<asio::cancellation_signal> const present = signal;
        int completed = 0;
        auto const call = [&](coauth::access_token) -> asio::awaitable<int>
        {
            if (in_a_handler)
                co_await asio::post(strand, asio::use_awaitable);
            co_return 1;
        };
        auto const accepted = [](int) { return false; };
        auto const emit = [&]
        {
            if (auto const still = present.lock())
                still->emit(asio::cancellation_type::total);
        };
        auto done = [&completed, signal](std::exception_ptr const&, coauth::result<int> const&)
        { ++completed; };
        signal.reset();
        r.context.restart();
        if (in_a_handler)
        {
            coauth::async_call_with_token(
                r.tokens, call, accepted,
                asio::bind_executor(strand, asio::bind_cancellation_slot(slot, std::move(done))));
            asio::post(r.context, emit);
        }
        else
        {
            coauth::async_call_with_token(
                r.tokens, call, accepted, asio::bind_cancellation_slot(slot, std::move(done)));
            r.context.run_one();
            emit();
        }
        r.context.run();
        BOOST_TEST(completed == 1);
        BOOST_TEST(present.expired());
    }
}

BOOST_AUTO_TEST_SUITE_END()
