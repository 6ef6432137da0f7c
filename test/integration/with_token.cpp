// Calls of an API that may refuse the token they bring.

#include "fixture.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <set>
#include <stdexcept>

using namespace test;
namespace asio = boost::asio;

namespace
{

std::string document(std::string const& token)
{
    return R"({"access_token":")" + token + R"(","token_type":"Bearer","expires_in":3600})";
}

// An answer as Beast's messages are.
struct api_answer
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

// An API that accepts some tokens, and takes a moment to say so.
struct api
{
    std::set<std::string, std::less<>> accepted;
    int calls = 0;

    asio::awaitable<api_answer> call(coauth::access_token token)
    {
        ++calls;
        asio::steady_timer timer(co_await asio::this_coro::executor, 1ms);
        co_await timer.async_wait(asio::use_awaitable);
        api_answer made;
        made.status = accepted.contains(token.value()) ? 200U : 401U;
        if (made.status == 401)
            made.challenge = R"(Bearer error="invalid_token")";
        made.body = std::string(token.value());
        co_return made;
    }
};

struct relay
{
    relay() : client(context.get_executor(), overheard(server.config())), tokens(client) {}

    asio::awaitable<void> one()
    {
        auto const call = [this](coauth::access_token token)
        { return remote.call(std::move(token)); };
        auto got = co_await coauth::async_with_token(tokens, call);
        ended.push_back(
            got ? std::to_string(got->status) + got->body
                : std::string(to_string(got.error().value())));
    }
    void run(int count)
    {
        for (int i = 0; i < count; ++i)
            asio::co_spawn(context, one(), asio::detached);
        context.restart();
        context.run();
        BOOST_REQUIRE_EQUAL(ended.size(), static_cast<std::size_t>(count));
    }

    authorization_server server = start();
    asio::io_context context;
    coauth::client client;
    coauth::token_source tokens;
    api remote;
    std::vector<std::string> ended;
};

} // namespace

BOOST_AUTO_TEST_SUITE(with_token)

BOOST_AUTO_TEST_CASE(accepted_at_once)
{
    relay r;
    r.server.push(answer::json(200, document("a")));
    r.remote.accepted = {"a"};
    r.run(1);
    BOOST_TEST(r.ended.front() == "200a");
    BOOST_TEST(r.remote.calls == 1);
}

BOOST_AUTO_TEST_CASE(a_thousand_refused_at_once_fetch_one)
{
    relay r;
    r.server.push(answer::json(200, document("a")));
    r.server.push(answer::json(200, document("b")));
    r.remote.accepted = {"b"};
    r.run(1000);
    for (auto const& end : r.ended)
        BOOST_REQUIRE_EQUAL(end, "200b");
    BOOST_TEST(r.remote.calls == 2000);
    BOOST_TEST(r.server.requests().size() == 2U);
}

BOOST_AUTO_TEST_CASE(refused_again)
{
    relay r;
    r.server.push(answer::json(200, document("a")));
    r.server.push(answer::json(200, document("b")));
    r.run(1);
    BOOST_TEST(r.ended.front() == "401b");
    BOOST_TEST(r.remote.calls == 2);
}

BOOST_AUTO_TEST_CASE(the_server_gives_the_same_again)
{
    relay r;
    r.server.always(answer::json(200, document("a")));
    r.run(100);
    for (auto const& end : r.ended)
        BOOST_REQUIRE_EQUAL(end, "401a");
    BOOST_TEST(r.remote.calls == 100);
    BOOST_TEST(r.server.requests().size() == 2U);
}

BOOST_AUTO_TEST_CASE(no_token)
{
    relay r;
    r.server.always(answer::json(400, R"({"error":"invalid_scope"})"));
    r.run(10);
    BOOST_TEST(r.ended.front() == "invalid_scope");
    BOOST_TEST(r.remote.calls == 0);
    BOOST_TEST(r.server.requests().size() == 1U);
}

BOOST_AUTO_TEST_CASE(no_other_token)
{
    relay r;
    r.server.push(answer::json(200, document("a")));
    r.server.always(answer::json(400, R"({"error":"invalid_scope"})"));
    r.run(10);
    for (auto const& end : r.ended)
        BOOST_REQUIRE_EQUAL(end, "invalid_scope");
    BOOST_TEST(r.remote.calls == 10);
}

BOOST_AUTO_TEST_CASE(the_call_throws)
{
    relay r;
    std::string thrown;
    auto const work = [&]() -> asio::awaitable<void>
    {
        auto const call = [](coauth::access_token) -> asio::awaitable<api_answer>
        {
            co_await asio::this_coro::executor;
            throw std::runtime_error("mine");
        };
        try
        {
            (void)co_await coauth::async_with_token(r.tokens, call);
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

BOOST_AUTO_TEST_CASE(a_refusal_of_the_users_own)
{
    relay r;
    r.server.push(answer::json(200, document("a")));
    r.server.push(answer::json(200, document("b")));
    int got = 0;
    auto const work = [&]() -> asio::awaitable<void>
    {
        auto const call = [](coauth::access_token token) -> asio::awaitable<int>
        { co_return token.value() == "a" ? -1 : 7; };
        auto const refused = [](int answer) { return answer < 0; };
        auto answered = co_await coauth::async_with_token(r.tokens, call, refused);
        got = answered.value();
    };
    asio::co_spawn(r.context, work, asio::detached);
    r.context.run();
    BOOST_TEST(got == 7);
}

BOOST_AUTO_TEST_SUITE_END()
