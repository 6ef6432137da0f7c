// Calls of an API that may reject the token.

#include "call_with_token_fixture.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/test/unit_test.hpp>

#include <future>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(call_with_token)

BOOST_AUTO_TEST_CASE(an_accepted_token_is_used_once)
{
    api_client r;
    r.server.push_response(response::json(200, token_document("a")));
    r.remote.accepted = {"a"};
    r.run(1);
    BOOST_TEST(r.ended.front() == "200a");
    BOOST_TEST(r.remote.calls == 1);
}

BOOST_AUTO_TEST_CASE(a_thousand_rejected_calls_cause_one_fetch)
{
    api_client r;
    r.server.push_response(response::json(200, token_document("a")));
    r.server.push_response(response::json(200, token_document("b")));
    r.remote.accepted = {"b"};
    r.run(1000);
    for (auto const& end : r.ended)
        BOOST_REQUIRE_EQUAL(end, "200b");
    BOOST_TEST(r.remote.calls == 2000);
    BOOST_TEST(r.server.requests().size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_second_rejection_is_returned)
{
    api_client r;
    r.server.push_response(response::json(200, token_document("a")));
    r.server.push_response(response::json(200, token_document("b")));
    r.run(1);
    BOOST_TEST(r.ended.front() == "401b");
    BOOST_TEST(r.remote.calls == 2);
}

BOOST_AUTO_TEST_CASE(a_server_that_returns_the_rejected_token_causes_no_loop)
{
    api_client r;
    r.server.set_response(response::json(200, token_document("a")));
    r.run(100);
    for (auto const& end : r.ended)
        BOOST_REQUIRE_EQUAL(end, "401a");
    BOOST_TEST(r.remote.calls == 100);
    BOOST_TEST(r.server.requests().size() == 2U);
}

BOOST_AUTO_TEST_CASE(without_a_token_the_call_is_not_made)
{
    api_client r;
    r.server.set_response(response::json(400, R"({"error":"invalid_scope"})"));
    r.run(10);
    BOOST_TEST(r.ended.front() == "invalid_scope");
    BOOST_TEST(r.remote.calls == 0);
    BOOST_TEST(r.server.requests().size() == 1U);
}

BOOST_AUTO_TEST_CASE(the_error_of_the_second_fetch_is_returned)
{
    api_client r;
    r.server.push_response(response::json(200, token_document("a")));
    r.server.set_response(response::json(400, R"({"error":"invalid_scope"})"));
    r.run(10);
    for (auto const& end : r.ended)
        BOOST_REQUIRE_EQUAL(end, "invalid_scope");
    BOOST_TEST(r.remote.calls == 10);
}

BOOST_AUTO_TEST_CASE(an_exception_of_the_call_reaches_the_caller)
{
    api_client r;
    std::string thrown;
    auto const work = [&]() -> asio::awaitable<void>
    {
        auto const call = [](coauth::access_token) -> asio::awaitable<api_response>
        {
            co_await asio::this_coro::executor;
            throw std::runtime_error("mine");
        };
        try
        {
            (void)co_await coauth::async_call_with_token(r.tokens, call);
        }
        catch (std::runtime_error const& e)
        {
            thrown = e.what();
        }
    };
    asio::co_spawn(r.context, work, asio::detached);
    r.context.run();
    BOOST_TEST(thrown == "mine");
}

BOOST_AUTO_TEST_CASE(a_user_supplied_predicate_decides_what_is_a_rejection)
{
    api_client r;
    r.server.push_response(response::json(200, token_document("a")));
    r.server.push_response(response::json(200, token_document("b")));
    int got = 0;
    auto const work = [&]() -> asio::awaitable<void>
    {
        auto const call = [](coauth::access_token token) -> asio::awaitable<int>
        { co_return token.value() == "a" ? -1 : 7; };
        auto const refused = [](int response) { return response < 0; };
        auto responded = co_await coauth::async_call_with_token(r.tokens, call, refused);
        got = responded.value();
    };
    asio::co_spawn(r.context, work, asio::detached);
    r.context.run();
    BOOST_TEST(got == 7);
}

BOOST_AUTO_TEST_CASE(every_completion_token_is_accepted)
{
    asio::thread_pool pool(2);
    auto server = start();
    server.push_response(response::json(200, token_document("a")));
    server.set_response(response::json(200, token_document("b")));
    coauth::client client(pool.get_executor(), with_log_scan(server.config()));
    coauth::token_source tokens(client);
    auto const call = [](coauth::access_token token) -> asio::awaitable<std::string>
    { co_return std::string(token.value()); };
    auto const refused = [](std::string const& responded) { return responded == "a"; };
    auto const got = coauth::async_call_with_token(tokens, call, refused, asio::use_future).get();
    BOOST_TEST(got.value() == "b");
    auto const call_api = [](coauth::access_token token) -> asio::awaitable<api_response>
    { co_return api_response{200, {}, std::string(token.value())}; };
    BOOST_TEST(
        coauth::async_call_with_token(tokens, call_api, asio::use_future).get().value().body ==
        "b");
    auto operation = coauth::async_call_with_token(tokens, call, refused, asio::deferred);
    BOOST_TEST(std::move(operation)(asio::use_future).get().value() == "b");
    auto const spawned = [&]() -> asio::awaitable<bool>
    {
        auto one =
            co_await coauth::async_call_with_token(tokens, call, refused, asio::use_awaitable);
        co_return one.has_value();
    };
    BOOST_TEST(asio::co_spawn(pool, spawned, asio::use_future).get());
    auto const throws = [](coauth::access_token) -> asio::awaitable<std::string>
    {
        co_await asio::this_coro::executor;
        throw std::runtime_error("mine");
    };
    auto thrown = coauth::async_call_with_token(tokens, throws, refused, asio::use_future);
    BOOST_CHECK_THROW((void)thrown.get(), std::runtime_error);
    pool.join();
}

BOOST_AUTO_TEST_CASE(call_and_callback_run_on_the_callbacks_executor)
{
    api_client r;
    r.server.push_response(response::json(200, token_document("a")));
    r.remote.accepted = {"a"};
    asio::thread_pool elsewhere(2);
    auto const strand = asio::make_strand(elsewhere);
    std::promise<std::string> promised;
    bool called_there = false;
    auto const call = [&](coauth::access_token token)
    {
        called_there = strand.running_in_this_thread();
        return r.remote.call(std::move(token));
    };
    coauth::async_call_with_token(
        r.tokens, call, coauth::is_invalid_token_response(),
        asio::bind_executor(
            strand,
            [&](std::exception_ptr failure, coauth::result<api_response> got)
            {
                bool const right = !failure && strand.running_in_this_thread() && called_there;
                promised.set_value((right ? "" : "wrong ") + std::to_string(got->status));
            }));
    auto done = promised.get_future();
    for (stopwatch const watch;
         done.wait_for(0s) != std::future_status::ready && watch.elapsed() < 20s;)
    {
        r.context.restart();
        r.context.run_for(5ms);
    }
    BOOST_TEST(done.get() == "200");
    elsewhere.join();
}

// Fields like Beast's, with several of one name.
BOOST_AUTO_TEST_CASE(every_www_authenticate_field_is_examined)
{
    struct row
    {
        std::vector<std::string> challenges;
        bool refused;
    };
    for (auto const& [challenges, refused] : std::vector<row>{
             {{}, true},
             {{"Bearer", "DPoP"}, true},
             {{R"(Bearer error="insufficient_scope")", R"(DPoP error="invalid_token")"}, true},
             {{R"(DPoP error="use_dpop_nonce")", "Bearer realm=\"x\""}, false},
             {{"Bearer realm=\"x\"", R"(DPoP error="use_dpop_nonce")"}, false}})
        for (unsigned const status : {401U, 403U})
        {
            boost::beast::http::response<boost::beast::http::empty_body> response;
            response.result(status);
            for (auto const& challenge : challenges)
                response.insert("WWW-Authenticate", challenge);
            BOOST_TEST(coauth::is_invalid_token_response()(response) == (refused && status == 401));
        }
}

BOOST_AUTO_TEST_SUITE_END()
