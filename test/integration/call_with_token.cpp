// Calls of an API that may refuse the token they bring.

#include "fixture.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <future>
#include <memory>
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

// A response as Beast's messages are.
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

// An API that accepts some tokens, and takes a moment to say so.
struct api
{
    std::set<std::string, std::less<>> accepted;
    int calls = 0;

    asio::awaitable<api_response> call(coauth::access_token token)
    {
        ++calls;
        asio::steady_timer timer(co_await asio::this_coro::executor, 1ms);
        co_await timer.async_wait(asio::use_awaitable);
        api_response made;
        made.status = accepted.contains(token.value()) ? 200U : 401U;
        if (made.status == 401)
            made.challenge = R"(Bearer error="invalid_token")";
        made.body = std::string(token.value());
        co_return made;
    }
};

struct relay
{
    relay() : client(context.get_executor(), with_log_scan(server.config())), tokens(client) {}

    asio::awaitable<void> one()
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

BOOST_AUTO_TEST_SUITE(call_with_token)

BOOST_AUTO_TEST_CASE(accepted_at_once)
{
    relay r;
    r.server.push_response(response::json(200, document("a")));
    r.remote.accepted = {"a"};
    r.run(1);
    BOOST_TEST(r.ended.front() == "200a");
    BOOST_TEST(r.remote.calls == 1);
}

BOOST_AUTO_TEST_CASE(a_thousand_refused_at_once_fetch_one)
{
    relay r;
    r.server.push_response(response::json(200, document("a")));
    r.server.push_response(response::json(200, document("b")));
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
    r.server.push_response(response::json(200, document("a")));
    r.server.push_response(response::json(200, document("b")));
    r.run(1);
    BOOST_TEST(r.ended.front() == "401b");
    BOOST_TEST(r.remote.calls == 2);
}

BOOST_AUTO_TEST_CASE(the_server_gives_the_same_again)
{
    relay r;
    r.server.set_response(response::json(200, document("a")));
    r.run(100);
    for (auto const& end : r.ended)
        BOOST_REQUIRE_EQUAL(end, "401a");
    BOOST_TEST(r.remote.calls == 100);
    BOOST_TEST(r.server.requests().size() == 2U);
}

BOOST_AUTO_TEST_CASE(no_token)
{
    relay r;
    r.server.set_response(response::json(400, R"({"error":"invalid_scope"})"));
    r.run(10);
    BOOST_TEST(r.ended.front() == "invalid_scope");
    BOOST_TEST(r.remote.calls == 0);
    BOOST_TEST(r.server.requests().size() == 1U);
}

BOOST_AUTO_TEST_CASE(no_other_token)
{
    relay r;
    r.server.push_response(response::json(200, document("a")));
    r.server.set_response(response::json(400, R"({"error":"invalid_scope"})"));
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

BOOST_AUTO_TEST_CASE(a_refusal_of_the_users_own)
{
    relay r;
    r.server.push_response(response::json(200, document("a")));
    r.server.push_response(response::json(200, document("b")));
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

// Where the program does not let cancellation be thrown, it is heeded all the same.
BOOST_AUTO_TEST_CASE(cancelled_during_the_call)
{
    for (bool const accepted : {true, false})
    {
        relay r;
        r.server.push_response(response::json(200, document("a")));
        r.server.push_response(response::json(200, document("b")));
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
                // As a call does that cannot be ended any more.
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
        // The refused token is not handed to anybody else.
        BOOST_TEST(r.tokens.try_get().empty() == !accepted);
    }
}

// Asio would throw where the call is awaited; a token is not worth an exception.
BOOST_AUTO_TEST_CASE(cancelled_as_a_token_comes)
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
    // With the first, which the API refuses, or with the other.
    for (int const arrival : {1, 2})
    {
        auto server = start();
        server.push_response(response::json(200, document("a")));
        server.push_response(response::json(200, document("b")));
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

BOOST_AUTO_TEST_CASE(every_completion_token)
{
    asio::thread_pool pool(2);
    auto server = start();
    server.push_response(response::json(200, document("a")));
    server.set_response(response::json(200, document("b")));
    coauth::client client(pool.get_executor(), with_log_scan(server.config()));
    coauth::token_source tokens(client);
    auto const call = [](coauth::access_token token) -> asio::awaitable<std::string>
    { co_return std::string(token.value()); };
    auto const refused = [](std::string const& responded) { return responded == "a"; };
    auto const got = coauth::async_call_with_token(tokens, call, refused, asio::use_future).get();
    BOOST_TEST(got.value() == "b");
    auto const ask = [](coauth::access_token token) -> asio::awaitable<api_response>
    { co_return api_response{200, {}, std::string(token.value())}; };
    BOOST_TEST(
        coauth::async_call_with_token(tokens, ask, asio::use_future).get().value().body == "b");
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

BOOST_AUTO_TEST_CASE(a_callback_on_its_own_executor)
{
    relay r;
    r.server.push_response(response::json(200, document("a")));
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

BOOST_AUTO_TEST_CASE(a_callback_is_cancelled)
{
    for (auto const type : {asio::cancellation_type::terminal, asio::cancellation_type::total})
    {
        relay r;
        auto slow = response::json(200, document("a"));
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

// Before the call has begun, and by a handler whose executor is not known, as those of a group.
BOOST_AUTO_TEST_CASE(is_cancelled_before_its_first_step)
{
    for (auto const type :
         {asio::cancellation_type::terminal, asio::cancellation_type::partial,
          asio::cancellation_type::total})
    {
        relay r;
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

// Emitted when the end is under way already, and gone with the handler that owns it.
BOOST_AUTO_TEST_CASE(a_signal_that_goes_with_its_handler)
{
    for (bool const in_a_handler : {false, true})
    {
        relay r;
        r.server.push_response(response::json(200, document("a")));
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

// As Beast gives them: fields, of which there may be several of one name.
BOOST_AUTO_TEST_CASE(every_challenge_is_looked_at)
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
