// Connections are reused, limited, closed when idle, and resume TLS sessions.

#include "client_fixture.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(connections)

BOOST_AUTO_TEST_CASE(a_connection_is_reused_for_the_next_request)
{
    for (bool const tls : {true, false})
    {
        auto chosen = options();
        chosen.tls = tls;
        auto const server = start(chosen);
        client_fixture fixture(single_attempt(server));
        for (int i = 0; i < 5; ++i)
            BOOST_TEST(outcome(fixture.fetch()) == "success");
        BOOST_TEST(server.connections() == 1U);
        BOOST_TEST(server.requests().back().earlier_on_connection == 4U);
        auto const counters = fixture.client.counters();
        BOOST_TEST(counters.tokens == 5U);
        BOOST_TEST(counters.attempts == 5U);
        BOOST_TEST(counters.connections_opened == 1U);
        BOOST_TEST(counters.connections_reused == 4U);
        BOOST_TEST(counters.open == 1U);
        BOOST_TEST(counters.idle == 1U);
    }
}

BOOST_AUTO_TEST_CASE(a_connection_is_reused_after_an_error_response)
{
    auto server = start();
    client_fixture fixture(single_attempt(server));
    server.push_response(response::json(400, R"({"error":"invalid_scope"})"));
    BOOST_TEST(outcome(fixture.fetch()) == "invalid_scope");
    BOOST_TEST(outcome(fixture.fetch()) == "success");
    BOOST_TEST(server.connections() == 1U);
}

BOOST_AUTO_TEST_CASE(the_number_of_connections_never_exceeds_max_connections)
{
    auto const server = start();
    auto config = single_attempt(server);
    config.connections.max_connections = 2;
    client_fixture fixture(config);
    BOOST_TEST(count(fixture.fetch_at_once(20), "success") == 20U);
    BOOST_TEST(server.connections() == 2U);
    BOOST_TEST(server.requests().size() == 20U);
}

BOOST_AUTO_TEST_CASE(an_operation_beyond_max_queued_fails_with_queue_full)
{
    auto const server = start();
    auto config = single_attempt(server);
    config.connections.max_connections = 1;
    config.connections.max_queued = 3;
    client_fixture fixture(config);
    auto const got = fixture.fetch_at_once(10);
    BOOST_TEST(count(got, "success") == 4U);
    BOOST_TEST(count(got, "queue_full") == 6U);
}

BOOST_AUTO_TEST_CASE(a_queued_operation_waits_for_a_connection_only_until_its_deadline)
{
    auto server = start();
    auto late = response::json(200, token_body);
    late.delay = 60s;
    server.set_response(late);
    auto config = single_attempt(server);
    config.connections.max_connections = 1;
    config.timeout = 200ms;
    client_fixture fixture(config);
    auto const got = fixture.fetch_at_once(3);
    BOOST_TEST(count(got, "timeout") == 3U);
    BOOST_TEST(fixture.client.counters().waiting == 0U);
}

BOOST_AUTO_TEST_CASE(a_connection_is_not_reused_after_the_idle_timeout)
{
    auto const server = start();
    auto config = single_attempt(server);
    config.connections.idle_timeout = 20ms;
    client_fixture fixture(config);
    BOOST_TEST(outcome(fixture.fetch()) == "success");
    std::this_thread::sleep_for(40ms);
    BOOST_TEST(outcome(fixture.fetch()) == "success");
    BOOST_TEST(server.connections() == 2U);
}

// While the context has other work. Idle connections are not work.
BOOST_AUTO_TEST_CASE(a_connection_is_closed_at_the_idle_timeout)
{
    auto const server = start();
    auto config = single_attempt(server);
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

BOOST_AUTO_TEST_CASE(idle_connections_do_not_keep_the_context_running)
{
    auto const server = start();
    auto config = single_attempt(server);
    config.connections.idle_timeout = 1h;
    {
        client_fixture fixture(config);
        // Each call returns when the context has no work.
        for (int i = 0; i < 3; ++i)
            BOOST_TEST(outcome(fixture.fetch()) == "success");
        BOOST_TEST(fixture.client.counters().idle == 1U);
    }
    asio::thread_pool pool(2);
    coauth::client client(pool.get_executor(), config);
    BOOST_TEST(outcome(client.async_get_access_token({}, asio::use_future).get()) == "success");
    BOOST_TEST(client.counters().idle == 1U);
    pool.join();
}

BOOST_AUTO_TEST_CASE(connections_stay_idle_without_limit_if_configured)
{
    auto const server = start();
    auto config = single_attempt(server);
    config.connections.idle_timeout = std::chrono::milliseconds::max();
    client_fixture fixture(config);
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(outcome(fixture.fetch()) == "success");
    BOOST_TEST(server.connections() == 1U);
}

BOOST_AUTO_TEST_CASE(connections_are_not_reused_if_the_server_or_the_configuration_closes_them)
{
    auto server = start();
    auto config = single_attempt(server);
    client_fixture fixture(config);
    auto closing = response::json(200, token_body);
    closing.end = response_end::close;
    server.push_response(closing);
    BOOST_TEST(outcome(fixture.fetch()) == "success");
    BOOST_TEST(fixture.client.counters().open == 0U);
    BOOST_TEST(outcome(fixture.fetch()) == "success");
    BOOST_TEST(server.connections() == 2U);

    config.connections.idle_timeout = 0ms;
    client_fixture none(config);
    BOOST_TEST(outcome(none.fetch()) == "success");
    BOOST_TEST(outcome(none.fetch()) == "success");
    BOOST_TEST(server.connections() == 4U);
}

BOOST_AUTO_TEST_CASE(connections_resume_tls_sessions_if_configured)
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
            auto config = single_attempt(server);
            config.connections.idle_timeout = 0ms;
            config.tls.session_resumption = row.wanted;
            client_fixture fixture(config);
            for (int i = 0; i < 10; ++i)
                BOOST_TEST(outcome(fixture.fetch()) == "success");
            BOOST_TEST(server.handshakes() == 10U);
            BOOST_TEST(server.resumed() == row.resumed);
            BOOST_TEST(fixture.client.counters().sessions_resumed == row.resumed);
        }
}

BOOST_AUTO_TEST_CASE(connections_resume_tls_sessions_of_failed_operations)
{
    auto server = start();
    auto config = single_attempt(server);
    config.connections.idle_timeout = 0ms;
    config.timeout = 200ms;
    client_fixture fixture(config);
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
        auto const got = outcome(fixture.fetch());
        BOOST_TEST((*expected == '\0' || got == expected));
    }
    BOOST_TEST(server.handshakes() == 4U);
    BOOST_TEST(server.resumed() == 3U);
}

BOOST_AUTO_TEST_CASE(connections_resume_no_session_of_another_server)
{
    auto chosen = options();
    std::optional<authorization_server> server(start(chosen));
    chosen.port = server->port();
    auto config = single_attempt(*server);
    config.connections.idle_timeout = 0ms;
    client_fixture fixture(config);
    BOOST_TEST(outcome(fixture.fetch()) == "success");
    // The same address with other keys: its CA differs, and it cannot decrypt the ticket.
    server.reset();
    server.emplace(start(chosen));
    BOOST_TEST(outcome(fixture.fetch()) == "certificate_verify_failed");
    BOOST_TEST(server->requests().empty());
}

BOOST_AUTO_TEST_CASE(connections_are_reported_to_the_observer)
{
    auto server = start();
    auto const seen = std::make_shared<event_log>();
    auto config = server.config();
    config.observer = seen;
    config.retry.initial_back_off = 1ms;
    {
        client_fixture fixture(config);
        (void)fixture.fetch();
        check_lines(*seen, {"attempt 1", "opened", "token after 1"});
        (void)fixture.fetch();
        check_lines(*seen, {"attempt 1", "reused", "token after 1"});
        server.push_response(response::json(503, "{}"));
        (void)fixture.fetch();
        check_lines(
            *seen, {"attempt 1", "reused", "failed: http_error, again", "attempt 2", "reused",
                    "token after 2"});
        server.push_response(response::json(401, R"({"error":"invalid_client"})"));
        (void)fixture.fetch();
        check_lines(*seen, {"attempt 1", "reused", "failed: invalid_client"});
    }
    check_lines(*seen, {"closed after 5"});
    client_fixture again(config);
    (void)again.fetch();
    check_lines(*seen, {"attempt 1", "opened, resumed", "token after 1"});
}

BOOST_AUTO_TEST_SUITE_END()
