// A reused connection that is lost or has unexpected data is replaced without an error for the
// caller.

#include "client_fixture.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(connection_replacement)

namespace
{

// Gives the peer time to close the connection, or to notice that it was closed.
void wait_for_close()
{
    std::this_thread::sleep_for(50ms);
}

std::string response_with(std::string_view token)
{
    return http_response(
        R"({"access_token":")" + std::string(token) + R"(","token_type":"Bearer"})");
}

} // namespace

// The next operation notices the closed connection and uses a new one.
BOOST_AUTO_TEST_CASE(an_idle_connection_that_the_server_closed_is_replaced)
{
    for (auto const end : {response_end::close, response_end::truncate, response_end::reset})
    {
        auto server = start();
        client_fixture fixture(single_attempt(server));
        server.push_response(response::bytes(response_with("first"), end));
        BOOST_TEST(fixture.fetch()->value() == "first");
        wait_for_close();
        auto const got = fixture.fetch();
        BOOST_TEST(outcome(got) == "success");
        BOOST_TEST(fixture.client.counters().attempts == 2U);
        BOOST_TEST(server.connections() == 2U);
    }
}

// The connection is lost while the request is being sent.
BOOST_AUTO_TEST_CASE(a_reused_connection_lost_before_the_first_byte_is_replaced_once)
{
    for (auto const end : {response_end::close, response_end::truncate, response_end::reset})
    {
        auto server = start();
        client_fixture fixture(single_attempt(server));
        BOOST_TEST(outcome(fixture.fetch()) == "success");
        auto nothing = response::bytes("x", end);
        nothing.cut_at = 0;
        server.push_response(nothing);
        BOOST_TEST(outcome(fixture.fetch()) == "success");
        BOOST_TEST(server.connections() == 2U);
        BOOST_TEST(fixture.client.counters().attempts == 2U);

        // On a new connection the same is a failure.
        server.push_response(nothing);
        server.push_response(nothing);
        BOOST_TEST(outcome(fixture.fetch()) == "connection_lost");
        BOOST_TEST(server.connections() == 3U);
    }
}

// Another idle connection may be lost too, so it is not used.
BOOST_AUTO_TEST_CASE(a_lost_connection_is_replaced_by_a_new_one_not_an_idle_one)
{
    for (auto const end : {response_end::close, response_end::truncate, response_end::reset})
    {
        auto server = start();
        client_fixture fixture(single_attempt(server));
        BOOST_TEST(count(fixture.fetch_at_once(3), "success") == 3U);
        BOOST_TEST(fixture.client.counters().idle == 3U);
        auto nothing = response::bytes("x", end);
        nothing.cut_at = 0;
        server.push_response(nothing);
        BOOST_TEST(outcome(fixture.fetch()) == "success");
        BOOST_TEST(server.requests().back().earlier_on_connection == 0U);
        BOOST_TEST(server.connections() == 4U);
        BOOST_TEST(fixture.client.counters().attempts == 4U);
        BOOST_TEST(fixture.client.counters().open == 3U);
        BOOST_TEST(fixture.client.counters().idle == 3U);
    }
}

// The server stopped waiting for a request just before it arrived.
BOOST_AUTO_TEST_CASE(a_reused_connection_that_gets_a_408_is_replaced)
{
    auto server = start();
    client_fixture fixture(single_attempt(server));
    BOOST_TEST(outcome(fixture.fetch()) == "success");
    auto late = response::json(408, "");
    late.end = response_end::close;
    server.push_response(late);
    BOOST_TEST(outcome(fixture.fetch()) == "success");
    BOOST_TEST(server.connections() == 2U);
    BOOST_TEST(fixture.client.counters().attempts == 2U);

    // On a new connection its response is another.
    server.push_response(late);
    server.push_response(late);
    BOOST_TEST(outcome(fixture.fetch()) == "http_error");
    BOOST_TEST(server.connections() == 3U);
}

BOOST_AUTO_TEST_CASE(a_connection_lost_after_the_first_byte_is_not_replaced)
{
    auto server = start();
    client_fixture fixture(single_attempt(server));
    BOOST_TEST(outcome(fixture.fetch()) == "success");
    auto part = response::json(200, token_body);
    part.cut_at = 1;
    part.end = response_end::truncate;
    server.push_response(part);
    BOOST_TEST(outcome(fixture.fetch()) == "incomplete_response");
    BOOST_TEST(server.requests().size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_server_restart_between_requests_is_survived)
{
    auto chosen = options();
    chosen.tls = false;
    std::optional<authorization_server> server(start(chosen));
    chosen.port = server->port();
    client_fixture fixture(single_attempt(*server));
    BOOST_TEST(outcome(fixture.fetch()) == "success");
    server.reset();
    server.emplace(start(chosen));
    BOOST_TEST(outcome(fixture.fetch()) == "success");
}

// All idle connections are lost, and several operations notice at the same time.
BOOST_AUTO_TEST_CASE(a_server_restart_with_many_idle_connections_is_survived)
{
    auto chosen = options();
    chosen.tls = false;
    std::optional<authorization_server> server(start(chosen));
    chosen.port = server->port();
    auto config = single_attempt(*server);
    config.connections.max_connections = 4;
    client_fixture fixture(config);
    BOOST_TEST(count(fixture.fetch_at_once(4), "success") == 4U);
    BOOST_TEST(server->connections() == 4U);
    server.reset();
    server.emplace(start(chosen));
    BOOST_TEST(count(fixture.fetch_at_once(12), "success") == 12U);
    BOOST_TEST(server->connections() == 4U);
    auto const counters = fixture.client.counters();
    BOOST_TEST(counters.attempts == 16U);
    BOOST_TEST(counters.open == 4U);
    BOOST_TEST(counters.idle == 4U);
}

BOOST_AUTO_TEST_CASE(a_server_restart_during_requests_is_survived)
{
    auto chosen = options();
    chosen.tls = false;
    std::optional<authorization_server> server(start(chosen));
    chosen.port = server->port();
    auto config = server->config();
    config.retry.initial_back_off = 1ms;
    client_fixture fixture(config);
    BOOST_TEST(outcome(fixture.fetch()) == "success");
    auto late = response::bytes(response_with("foreign"), response_end::keep_alive);
    late.delay = 60s;
    server->set_response(late);
    std::vector<token_result> got;
    for (int i = 0; i < 4; ++i)
        fixture.client.async_get_access_token(
            coauth::token_request(), [&](token_result r) { got.push_back(std::move(r)); });
    fixture.context.restart();
    stopwatch const watch;
    while (server->requests().size() < 5 && watch.elapsed() < 5s)
        fixture.context.run_one_for(10ms);
    server.reset();
    server.emplace(start(chosen));
    fixture.context.run();
    BOOST_TEST(count(got, "success") == 4U);
    for (auto const& one : got)
        BOOST_TEST((!one || one->value() != "foreign"));
    BOOST_TEST(fixture.client.counters().open == fixture.client.counters().idle);
}

BOOST_AUTO_TEST_CASE(reuse_is_refused_after_trailing_bytes)
{
    struct row
    {
        char const* name;
        std::string extra;
        std::chrono::milliseconds later;
    };
    for (auto const& row : std::vector<row>{
             {"a second response", response_with("foreign"), 0ms},
             {"a second response, late", response_with("foreign"), 20ms},
             {"rubbish", "rubbish", 0ms},
             {"a line break, late", "\r\n", 20ms},
             {"408 while idle", "HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n", 20ms},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            auto server = start();
            client_fixture fixture(single_attempt(server));
            auto both = response::bytes(response_with("first") + row.extra, response_end::stall);
            if (row.later != 0ms)
            {
                both.piece = response_with("first").size();
                both.piece_delay = row.later;
            }
            server.push_response(both);
            BOOST_TEST(fixture.fetch()->value() == "first");
            wait_for_close();
            auto const got = fixture.fetch();
            BOOST_REQUIRE(outcome(got) == "success");
            BOOST_TEST(got->value() != "foreign");
            BOOST_TEST(server.connections() == 2U);
        }
}

// The response to the first attempt arrives while the second one waits for its own.
BOOST_AUTO_TEST_CASE(reuse_is_refused_after_an_attempt_that_timed_out)
{
    auto server = start();
    auto late = response::bytes(response_with("foreign"), response_end::keep_alive);
    late.delay = 600ms;
    server.push_response(late);
    auto second = response::bytes(response_with("second"), response_end::keep_alive);
    second.delay = 350ms;
    server.push_response(second);
    auto config = server.config();
    config.retry.attempt_timeout = 500ms;
    config.retry.initial_back_off = 1ms;
    client_fixture fixture(config);
    auto const got = fixture.fetch();
    BOOST_REQUIRE(outcome(got) == "success");
    BOOST_TEST(got->value() == "second");
    BOOST_TEST(server.connections() == 2U);
    BOOST_TEST(fixture.client.counters().open == 1U);
    BOOST_TEST(outcome(fixture.fetch()) == "success");
    BOOST_TEST(server.connections() == 2U);
}

BOOST_AUTO_TEST_CASE(reuse_is_refused_after_a_cancelled_operation)
{
    auto server = start();
    auto late = response::bytes(response_with("foreign"), response_end::keep_alive);
    late.delay = 100ms;
    server.push_response(late);
    client_fixture fixture(single_attempt(server));
    asio::cancellation_signal signal;
    std::string seen;
    fixture.client.async_get_access_token(
        coauth::token_request(),
        asio::bind_cancellation_slot(signal.slot(), [&](token_result r) { seen = outcome(r); }));
    while (server.requests().empty())
        fixture.context.run_one_for(10ms);
    signal.emit(asio::cancellation_type::total);
    fixture.context.run();
    BOOST_TEST(seen == "cancelled");
    auto const got = fixture.fetch();
    BOOST_REQUIRE(outcome(got) == "success");
    BOOST_TEST(got->value() != "foreign");
    BOOST_TEST(server.connections() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
