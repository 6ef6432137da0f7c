// Connections are kept, used again, resumed and replaced; none of it is seen in a result.

#include "client_fixture.hpp"
#include "fixture.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <optional>
#include <thread>

using namespace test;
namespace asio = boost::asio;

namespace
{

// The peer has seen that the connection is over, or has closed it itself.
void settle()
{
    std::this_thread::sleep_for(50ms);
}

std::string whole(std::string_view token)
{
    return http_response(
        R"({"access_token":")" + std::string(token) + R"(","token_type":"Bearer"})");
}

} // namespace

BOOST_AUTO_TEST_SUITE(connections)

BOOST_AUTO_TEST_CASE(are_used_again)
{
    for (bool const tls : {true, false})
    {
        auto chosen = options();
        chosen.tls = tls;
        auto const server = start(chosen);
        client_fixture kept(once(server));
        for (int i = 0; i < 5; ++i)
            BOOST_TEST(outcome(kept.fetch()) == "success");
        BOOST_TEST(server.connections() == 1U);
        BOOST_TEST(server.requests().back().earlier_on_connection == 4U);
        auto const counters = kept.client.counters();
        BOOST_TEST(counters.tokens == 5U);
        BOOST_TEST(counters.attempts == 5U);
        BOOST_TEST(counters.connections_opened == 1U);
        BOOST_TEST(counters.connections_reused == 4U);
        BOOST_TEST(counters.open == 1U);
        BOOST_TEST(counters.idle == 1U);
    }
}

BOOST_AUTO_TEST_CASE(are_used_again_after_a_refusal)
{
    auto server = start();
    client_fixture kept(once(server));
    server.push_response(response::json(400, R"({"error":"invalid_scope"})"));
    BOOST_TEST(outcome(kept.fetch()) == "invalid_scope");
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(server.connections() == 1U);
}

BOOST_AUTO_TEST_CASE(are_limited)
{
    auto const server = start();
    auto config = once(server);
    config.connections.max_connections = 2;
    client_fixture kept(config);
    BOOST_TEST(count(kept.fetch_at_once(20), "success") == 20U);
    BOOST_TEST(server.connections() == 2U);
    BOOST_TEST(server.requests().size() == 20U);
}

BOOST_AUTO_TEST_CASE(have_a_limited_line_before_them)
{
    auto const server = start();
    auto config = once(server);
    config.connections.max_connections = 1;
    config.connections.max_queued = 3;
    client_fixture kept(config);
    auto const got = kept.fetch_at_once(10);
    BOOST_TEST(count(got, "success") == 4U);
    BOOST_TEST(count(got, "queue_full") == 6U);
}

BOOST_AUTO_TEST_CASE(may_be_waited_for_only_until_the_deadline)
{
    auto server = start();
    auto late = response::json(200, token_body);
    late.delay = 60s;
    server.set_response(late);
    auto config = once(server);
    config.connections.max_connections = 1;
    config.timeout = 200ms;
    client_fixture kept(config);
    auto const got = kept.fetch_at_once(3);
    BOOST_TEST(count(got, "timeout") == 3U);
    BOOST_TEST(kept.client.counters().waiting == 0U);
}

BOOST_AUTO_TEST_CASE(grow_too_old)
{
    auto const server = start();
    auto config = once(server);
    config.connections.idle_timeout = 20ms;
    client_fixture kept(config);
    BOOST_TEST(outcome(kept.fetch()) == "success");
    std::this_thread::sleep_for(40ms);
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(server.connections() == 2U);
}

// By a thread of the context while it has other work; for them alone it does not go on.
BOOST_AUTO_TEST_CASE(that_nobody_uses_are_closed_in_time)
{
    auto const server = start();
    auto config = once(server);
    config.connections.idle_timeout = 50ms;
    auto const closes_in_time = [&](asio::any_io_executor const& executor, auto& context)
    {
        auto const seen = std::make_shared<event_log>();
        config.observer = seen;
        coauth::client client(executor, config);
        auto const work = asio::make_work_guard(context);
        BOOST_TEST(outcome(client.async_get_access_token({}, asio::use_future).get()) == "success");
        BOOST_TEST(client.counters().idle == 1U);
        for (int i = 0; i < 500 && client.counters().open != 0; ++i)
            std::this_thread::sleep_for(10ms);
        BOOST_TEST(client.counters().open == 0U);
        auto const lines = seen->take();
        BOOST_TEST(std::count(lines.begin(), lines.end(), "closed after 1") == 1);
        BOOST_TEST(outcome(client.async_get_access_token({}, asio::use_future).get()) == "success");
    };
    asio::thread_pool pool(2);
    closes_in_time(pool.get_executor(), pool);
    closes_in_time(asio::make_strand(pool.get_executor()), pool);
    asio::io_context context;
    auto work = std::make_optional(asio::make_work_guard(context));
    std::thread runner([&] { context.run(); });
    closes_in_time(context.get_executor(), context);
    closes_in_time(asio::make_strand(context.get_executor()), context);
    closes_in_time(asio::any_io_executor(asio::make_strand(context)), context);
    work.reset();
    runner.join();
    pool.join();
}

BOOST_AUTO_TEST_CASE(that_are_idle_keep_no_context_at_work)
{
    auto const server = start();
    auto config = once(server);
    config.connections.idle_timeout = 1h;
    {
        client_fixture kept(config);
        // Each returns when the context has no work.
        for (int i = 0; i < 3; ++i)
            BOOST_TEST(outcome(kept.fetch()) == "success");
        BOOST_TEST(kept.client.counters().idle == 1U);
    }
    asio::thread_pool pool(2);
    coauth::client client(pool.get_executor(), config);
    BOOST_TEST(outcome(client.async_get_access_token({}, asio::use_future).get()) == "success");
    BOOST_TEST(client.counters().idle == 1U);
    pool.join();
}

BOOST_AUTO_TEST_CASE(may_be_idle_for_ever)
{
    auto const server = start();
    auto config = once(server);
    config.connections.idle_timeout = std::chrono::milliseconds::max();
    client_fixture kept(config);
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(server.connections() == 1U);
}

BOOST_AUTO_TEST_CASE(are_not_kept_when_either_side_says_so)
{
    auto server = start();
    auto config = once(server);
    client_fixture kept(config);
    auto closing = response::json(200, token_body);
    closing.end = response_end::close;
    server.push_response(closing);
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(kept.client.counters().open == 0U);
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(server.connections() == 2U);

    config.connections.idle_timeout = 0ms;
    client_fixture none(config);
    BOOST_TEST(outcome(none.fetch()) == "success");
    BOOST_TEST(outcome(none.fetch()) == "success");
    BOOST_TEST(server.connections() == 4U);
}

// Without a word: the next operation finds out, and goes on over a new one.
BOOST_AUTO_TEST_CASE(that_the_server_closed_are_replaced)
{
    for (auto const end : {response_end::close, response_end::truncate, response_end::reset})
    {
        auto server = start();
        client_fixture kept(once(server));
        server.push_response(response::bytes(whole("first"), end));
        BOOST_TEST(kept.fetch()->value() == "first");
        settle();
        auto const got = kept.fetch();
        BOOST_TEST(outcome(got) == "success");
        BOOST_TEST(kept.client.counters().attempts == 2U);
        BOOST_TEST(server.connections() == 2U);
    }
}

// The request is on its way when the connection ends.
BOOST_AUTO_TEST_CASE(that_die_before_the_first_byte_are_replaced_once)
{
    for (auto const end : {response_end::close, response_end::truncate, response_end::reset})
    {
        auto server = start();
        client_fixture kept(once(server));
        BOOST_TEST(outcome(kept.fetch()) == "success");
        auto nothing = response::bytes("x", end);
        nothing.cut_at = 0;
        server.push_response(nothing);
        BOOST_TEST(outcome(kept.fetch()) == "success");
        BOOST_TEST(server.connections() == 2U);
        BOOST_TEST(kept.client.counters().attempts == 2U);

        // A new connection that does so is a failure.
        server.push_response(nothing);
        server.push_response(nothing);
        BOOST_TEST(outcome(kept.fetch()) == "connection_lost");
        BOOST_TEST(server.connections() == 3U);
    }
}

// Not by another idle one, which may be as dead.
BOOST_AUTO_TEST_CASE(that_die_while_others_are_idle_are_replaced_by_new_ones)
{
    for (auto const end : {response_end::close, response_end::truncate, response_end::reset})
    {
        auto server = start();
        client_fixture kept(once(server));
        BOOST_TEST(count(kept.fetch_at_once(3), "success") == 3U);
        BOOST_TEST(kept.client.counters().idle == 3U);
        auto nothing = response::bytes("x", end);
        nothing.cut_at = 0;
        server.push_response(nothing);
        BOOST_TEST(outcome(kept.fetch()) == "success");
        BOOST_TEST(server.requests().back().earlier_on_connection == 0U);
        BOOST_TEST(server.connections() == 4U);
        BOOST_TEST(kept.client.counters().attempts == 4U);
        BOOST_TEST(kept.client.counters().open == 3U);
        BOOST_TEST(kept.client.counters().idle == 3U);
    }
}

// The server gave up waiting just before the request came.
BOOST_AUTO_TEST_CASE(whose_idle_time_ends_with_a_408_are_replaced)
{
    auto server = start();
    client_fixture kept(once(server));
    BOOST_TEST(outcome(kept.fetch()) == "success");
    auto late = response::json(408, "");
    late.end = response_end::close;
    server.push_response(late);
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(server.connections() == 2U);
    BOOST_TEST(kept.client.counters().attempts == 2U);

    // To a new connection it says something else.
    server.push_response(late);
    server.push_response(late);
    BOOST_TEST(outcome(kept.fetch()) == "http_error");
    BOOST_TEST(server.connections() == 3U);
}

BOOST_AUTO_TEST_CASE(that_die_after_the_first_byte_are_not_replaced)
{
    auto server = start();
    client_fixture kept(once(server));
    BOOST_TEST(outcome(kept.fetch()) == "success");
    auto part = response::json(200, token_body);
    part.cut_at = 1;
    part.end = response_end::truncate;
    server.push_response(part);
    BOOST_TEST(outcome(kept.fetch()) == "incomplete_response");
    BOOST_TEST(server.requests().size() == 2U);
}

BOOST_AUTO_TEST_CASE(survive_a_restart_of_the_server)
{
    auto chosen = options();
    chosen.tls = false;
    std::optional<authorization_server> server(start(chosen));
    chosen.port = server->port();
    client_fixture kept(once(*server));
    BOOST_TEST(outcome(kept.fetch()) == "success");
    server.reset();
    server.emplace(start(chosen));
    BOOST_TEST(outcome(kept.fetch()) == "success");
}

// All of them are dead then, and the first operations after it find out at the same time.
BOOST_AUTO_TEST_CASE(survive_a_restart_of_the_server_when_there_are_many)
{
    auto chosen = options();
    chosen.tls = false;
    std::optional<authorization_server> server(start(chosen));
    chosen.port = server->port();
    auto config = once(*server);
    config.connections.max_connections = 4;
    client_fixture kept(config);
    BOOST_TEST(count(kept.fetch_at_once(4), "success") == 4U);
    BOOST_TEST(server->connections() == 4U);
    server.reset();
    server.emplace(start(chosen));
    BOOST_TEST(count(kept.fetch_at_once(12), "success") == 12U);
    BOOST_TEST(server->connections() == 4U);
    auto const counters = kept.client.counters();
    BOOST_TEST(counters.attempts == 16U);
    BOOST_TEST(counters.open == 4U);
    BOOST_TEST(counters.idle == 4U);
}

BOOST_AUTO_TEST_CASE(survive_a_restart_of_the_server_in_the_middle)
{
    auto chosen = options();
    chosen.tls = false;
    std::optional<authorization_server> server(start(chosen));
    chosen.port = server->port();
    auto config = server->config();
    config.retry.initial_back_off = 1ms;
    client_fixture kept(config);
    BOOST_TEST(outcome(kept.fetch()) == "success");
    auto late = response::bytes(whole("foreign"), response_end::keep_alive);
    late.delay = 60s;
    server->set_response(late);
    std::vector<token_result> got;
    for (int i = 0; i < 4; ++i)
        kept.client.async_get_access_token(
            coauth::token_request(), [&](token_result r) { got.push_back(std::move(r)); });
    kept.context.restart();
    stopwatch const watch;
    while (server->requests().size() < 5 && watch.elapsed() < 5s)
        kept.context.run_one_for(10ms);
    server.reset();
    server.emplace(start(chosen));
    kept.context.run();
    BOOST_TEST(count(got, "success") == 4U);
    for (auto const& one : got)
        BOOST_TEST((!one || one->value() != "foreign"));
    BOOST_TEST(kept.client.counters().open == kept.client.counters().idle);
}

BOOST_AUTO_TEST_CASE(with_something_extra_behind_the_response_are_not_used_again)
{
    struct row
    {
        char const* name;
        std::string extra;
        std::chrono::milliseconds later;
    };
    for (auto const& row : std::vector<row>{
             {"a second response", whole("foreign"), 0ms},
             {"a second response, late", whole("foreign"), 20ms},
             {"rubbish", "rubbish", 0ms},
             {"a line break, late", "\r\n", 20ms},
             {"408 while idle", "HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n", 20ms},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            auto server = start();
            client_fixture kept(once(server));
            auto both = response::bytes(whole("first") + row.extra, response_end::stall);
            if (row.later != 0ms)
            {
                both.piece = whole("first").size();
                both.piece_delay = row.later;
            }
            server.push_response(both);
            BOOST_TEST(kept.fetch()->value() == "first");
            settle();
            auto const got = kept.fetch();
            BOOST_REQUIRE(outcome(got) == "success");
            BOOST_TEST(got->value() != "foreign");
            BOOST_TEST(server.connections() == 2U);
        }
}

// The response to the first attempt comes while the second one waits for its own.
BOOST_AUTO_TEST_CASE(whose_response_is_late_are_not_used_again)
{
    auto server = start();
    auto late = response::bytes(whole("foreign"), response_end::keep_alive);
    late.delay = 600ms;
    server.push_response(late);
    auto second = response::bytes(whole("second"), response_end::keep_alive);
    second.delay = 350ms;
    server.push_response(second);
    auto config = server.config();
    config.retry.attempt_timeout = 500ms;
    config.retry.initial_back_off = 1ms;
    client_fixture kept(config);
    auto const got = kept.fetch();
    BOOST_REQUIRE(outcome(got) == "success");
    BOOST_TEST(got->value() == "second");
    BOOST_TEST(server.connections() == 2U);
    BOOST_TEST(kept.client.counters().open == 1U);
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(server.connections() == 2U);
}

BOOST_AUTO_TEST_CASE(of_a_cancelled_operation_are_not_used_again)
{
    auto server = start();
    auto late = response::bytes(whole("foreign"), response_end::keep_alive);
    late.delay = 100ms;
    server.push_response(late);
    client_fixture kept(once(server));
    asio::cancellation_signal signal;
    std::string seen;
    kept.client.async_get_access_token(
        coauth::token_request(),
        asio::bind_cancellation_slot(signal.slot(), [&](token_result r) { seen = outcome(r); }));
    while (server.requests().empty())
        kept.context.run_one_for(10ms);
    signal.emit(asio::cancellation_type::total);
    kept.context.run();
    BOOST_TEST(seen == "cancelled");
    auto const got = kept.fetch();
    BOOST_REQUIRE(outcome(got) == "success");
    BOOST_TEST(got->value() != "foreign");
    BOOST_TEST(server.connections() == 2U);
}

BOOST_AUTO_TEST_CASE(resume_tls_sessions)
{
    struct row
    {
        char const* name;
        int version;
        bool wanted;
        std::size_t resumed;
    };
    for (auto const& row : std::vector<row>{
             {"TLS 1.2", 0x0303, true, 9},
             {"TLS 1.3", 0x0304, true, 9},
             {"TLS 1.2, not wanted", 0x0303, false, 0},
             {"TLS 1.3, not wanted", 0x0304, false, 0},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            auto chosen = options();
            chosen.min_tls_version = chosen.max_tls_version = row.version;
            auto const server = start(chosen);
            auto config = once(server);
            config.connections.idle_timeout = 0ms;
            config.tls.session_resumption = row.wanted;
            client_fixture kept(config);
            for (int i = 0; i < 10; ++i)
                BOOST_TEST(outcome(kept.fetch()) == "success");
            BOOST_TEST(server.handshakes() == 10U);
            BOOST_TEST(server.resumed() == row.resumed);
            BOOST_TEST(kept.client.counters().sessions_resumed == row.resumed);
        }
}

BOOST_AUTO_TEST_CASE(resume_tls_sessions_of_failed_operations)
{
    auto server = start();
    auto config = once(server);
    config.connections.idle_timeout = 0ms;
    config.timeout = 200ms;
    client_fixture kept(config);
    auto cut = response::json(200, token_body);
    cut.cut_at = 10;
    cut.end = response_end::reset;
    auto late = response::json(200, token_body);
    late.delay = 60s;
    server.push_response(response::json(500, "{}"));
    server.push_response(cut);
    server.push_response(late);
    for (auto const* expected : {"http_error", "", "timeout", "success"})
    {
        auto const got = outcome(kept.fetch());
        BOOST_TEST((*expected == '\0' || got == expected));
    }
    BOOST_TEST(server.handshakes() == 4U);
    BOOST_TEST(server.resumed() == 3U);
}

BOOST_AUTO_TEST_CASE(resume_no_session_of_another_server)
{
    auto chosen = options();
    std::optional<authorization_server> server(start(chosen));
    chosen.port = server->port();
    auto config = once(*server);
    config.connections.idle_timeout = 0ms;
    client_fixture kept(config);
    BOOST_TEST(outcome(kept.fetch()) == "success");
    // The same address, other keys: its CA is another, and the ticket is of no use.
    server.reset();
    server.emplace(start(chosen));
    BOOST_TEST(outcome(kept.fetch()) == "certificate_verify_failed");
    BOOST_TEST(server->requests().empty());
}

BOOST_AUTO_TEST_CASE(are_told_to_the_observer)
{
    auto server = start();
    auto const seen = std::make_shared<event_log>();
    auto config = server.config();
    config.observer = seen;
    config.retry.initial_back_off = 1ms;
    {
        client_fixture kept(config);
        (void)kept.fetch();
        check_lines(*seen, {"attempt 1", "opened", "token after 1"});
        (void)kept.fetch();
        check_lines(*seen, {"attempt 1", "reused", "token after 1"});
        server.push_response(response::json(503, "{}"));
        (void)kept.fetch();
        check_lines(
            *seen, {"attempt 1", "reused", "failed: http_error, again", "attempt 2", "reused",
                    "token after 2"});
        server.push_response(response::json(401, R"({"error":"invalid_client"})"));
        (void)kept.fetch();
        check_lines(*seen, {"attempt 1", "reused", "failed: invalid_client"});
    }
    check_lines(*seen, {"closed after 5"});
    client_fixture again(config);
    (void)again.fetch();
    check_lines(*seen, {"attempt 1", "opened, resumed", "token after 1"});
}

BOOST_AUTO_TEST_SUITE_END()
