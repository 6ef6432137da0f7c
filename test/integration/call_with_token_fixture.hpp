#ifndef COAUTH_TEST_INTEGRATION_CALL_WITH_TOKEN_FIXTURE_HPP
#define COAUTH_TEST_INTEGRATION_CALL_WITH_TOKEN_FIXTURE_HPP

#include "fixture.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test
{

inline std::string token_document(std::string const& token)
{
    return R"({"access_token":")" + token + R"(","token_type":"Bearer","expires_in":3600})";
}

// A response with the interface of Beast's messages.
struct api_response
{
    unsigned status = 0;
    std::string challenge;
    std::string body;

    [[nodiscard]] unsigned result_int() const { return status; }
    std::string_view operator[](std::string_view name) const
    {
        return name == "WWW-Authenticate" ? challenge : std::string_view();
    }
};

// An API that accepts some tokens, and responds after 1 ms.
struct api
{
    std::set<std::string, std::less<>> accepted;
    int calls = 0;

    boost::asio::awaitable<api_response> call(coauth::access_token token)
    {
        ++calls;
        boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, 1ms);
        co_await timer.async_wait(boost::asio::use_awaitable);
        api_response reply;
        reply.status = accepted.contains(token.value()) ? 200U : 401U;
        if (reply.status == 401)
            reply.challenge = R"(Bearer error="invalid_token")";
        reply.body = std::string(token.value());
        co_return reply;
    }
};

// Calls the API with a token source's tokens.
struct api_client
{
    api_client() : client(context.get_executor(), with_log_scan(server.config())), tokens(client) {}

    boost::asio::awaitable<void> one()
    {
        auto const call = [this](coauth::access_token token)
        { return remote.call(std::move(token)); };
        auto got = co_await coauth::async_call_with_token(tokens, call);
        ended.push_back(
            got ? std::to_string(got->status) + got->body
                : std::string(to_string(got.error().value())));
    }
    void run(int count)
    {
        for (int i = 0; i < count; ++i)
            boost::asio::co_spawn(context, one(), boost::asio::detached);
        context.restart();
        context.run();
        BOOST_REQUIRE_EQUAL(ended.size(), static_cast<std::size_t>(count));
    }

    authorization_server server = start();
    boost::asio::io_context context;
    coauth::client client;
    coauth::token_source tokens;
    api remote;
    std::vector<std::string> ended;
};

} // namespace test

#endif
