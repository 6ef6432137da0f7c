// The n-th system call fails, for every n of a request: it completes once and in time, with the
// right token or a typed error, and leaks no descriptor.

#include "failing_calls.hpp"
#include "fixture.hpp"
#include "scratch_file.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/test/unit_test.hpp>

#include <dirent.h>
#include <functional>
#include <iostream>
#include <map>
#include <thread>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(system_calls)

namespace
{

std::size_t open_descriptors()
{
    std::size_t count = 0;
    auto* const list = ::opendir("/proc/self/fd");
    while (::readdir(list) != nullptr)
        ++count;
    (void)::closedir(list);
    return count;
}

coauth::client_config config_for(authorization_server const& server)
{
    auto config = server.config();
    config.timeout = 400ms;
    config.retry.max_attempts = 1;
    return config;
}

using results = std::vector<token_result>;

// Makes requests while a call fails. It may run the context.
using program = std::function<void(asio::io_context&, coauth::client_config const&, results&)>;

// Fetches `count` tokens, one after the other.
program fetch_in_turn(int count)
{
    return [count](asio::io_context& context, coauth::client_config const& config, results& got)
    {
        coauth::client client(context.get_executor(), config);
        for (int i = 0; i < count; ++i)
        {
            client.async_get_access_token(
                coauth::token_request(),
                [&](token_result result) { got.push_back(std::move(result)); });
            context.restart();
            context.run_for(3s);
        }
    };
}

void fail_each(coauth::client_config const& config, program const& what, std::size_t count)
{
    std::map<std::string, int> outcomes;
    auto const before = open_descriptors();
    char const* which = "";
    for (std::size_t n = 1; which != nullptr; ++n)
    {
        results got;
        stopwatch const watch;
        bool stopped = false;
        {
            asio::io_context context;
            // Asio opens the descriptors of its event loop with the first socket.
            asio::ip::tcp::socket const first(context, asio::ip::tcp::v4());
            failing_call const failing(n);
            what(context, config, got);
            stopped = context.stopped();
            which = failing.which();
        }
        BOOST_TEST_CONTEXT("call " << n << ", " << (which != nullptr ? which : "none"))
        {
            BOOST_TEST(stopped, "an operation still waits");
            BOOST_TEST(got.size() == count);
            BOOST_TEST(watch.elapsed() < 3s);
            for (auto const& result : got)
            {
                ++outcomes[outcome(result)];
                if (result)
                    BOOST_TEST(result->value() == "tok.en-1");
                else
                    check_no_secret(result);
            }
        }
    }
    // The server of this process closes its connections a little later.
    stopwatch const closing;
    while (open_descriptors() != before && closing.elapsed() < 5s)
        std::this_thread::sleep_for(1ms);
    BOOST_TEST(open_descriptors() == before);
    for (auto const& [how, times] : outcomes)
        std::cout << how << ' ' << times << "  ";
    std::cout << std::endl;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_request_survives_each_failing_system_call)
{
    auto server = start();
    server.set_response(response::json(200, token_body));
    fail_each(config_for(server), fetch_in_turn(1), 1);
}

BOOST_AUTO_TEST_CASE(requests_over_a_reused_connection_survive_each_failing_system_call)
{
    auto server = start();
    server.set_response(response::json(200, token_body));
    fail_each(config_for(server), fetch_in_turn(3), 3);
}

// The lookup runs in another thread.
BOOST_AUTO_TEST_CASE(a_request_to_a_host_name_survives_each_failing_system_call)
{
    auto server = start();
    server.set_response(response::json(200, token_body));
    auto config = config_for(server);
    config.server.token_endpoint = server.token_endpoint("localhost");
    fail_each(config, fetch_in_turn(1), 1);
}

BOOST_AUTO_TEST_CASE(a_client_that_reads_files_survives_each_failing_system_call)
{
    auto server = start();
    server.set_response(response::json(200, token_body));
    scratch_file const ca("system_calls_ca", server.ca_pem());
    scratch_file const secret("system_calls_secret", client_secret);
    auto config = config_for(server);
    config.tls.ca_pem.clear();
    config.tls.ca_file = ca.path();
    config.authentication = coauth::client_authentication::client_secret_basic(
        client_id, coauth::secret_from_file(secret.path()));
    fail_each(config, fetch_in_turn(1), 1);
}

BOOST_AUTO_TEST_CASE(a_token_source_survives_each_failing_system_call)
{
    auto server = start();
    server.set_response(response::json(200, token_body));
    auto const cycle =
        [](asio::io_context& context, coauth::client_config const& config, results& got)
    {
        coauth::client client(context.get_executor(), config);
        coauth::token_source source(client);
        auto const add_result = [&](token_result result) { got.push_back(std::move(result)); };
        source.async_get_access_token(1s, add_result);
        context.run_for(3s);
        if (!got.empty() && got.front())
            source.invalidate(*got.front());
        source.async_get_access_token(add_result);
        source.async_get_new_access_token(add_result);
        context.restart();
        context.run_for(3s);
        source.close();
    };
    fail_each(config_for(server), cycle, 3);
}

BOOST_AUTO_TEST_CASE(a_request_to_a_silent_server_survives_each_failing_system_call)
{
    auto server = start();
    auto silent = response::bytes("HTTP/1.1 200 OK\r\n", response_end::stall);
    server.set_response(silent);
    fail_each(config_for(server), fetch_in_turn(1), 1);
}

BOOST_AUTO_TEST_CASE(a_failing_lookup_is_an_error_and_a_lookup_that_cannot_wake_the_loop_times_out)
{
    auto server = start();
    server.set_response(response::json(200, token_body));
    auto config = config_for(server);
    config.server.token_endpoint = server.token_endpoint("localhost");
    // Its timer would wake the loop before the deadline.
    config.connections.hedging_delay = std::chrono::milliseconds::max();
    for (bool const cannot_wake : {false, true})
    {
        failing_lookups const failing(cannot_wake);
        stopwatch const watch;
        asio::io_context context;
        results got;
        fetch_in_turn(1)(context, config, got);
        BOOST_REQUIRE_EQUAL(got.size(), 1U);
        BOOST_TEST((outcome(got.front()) == (cannot_wake ? "timeout" : "resolve_failed")));
        BOOST_TEST(watch.elapsed() < 3s);
        // If the loop cannot be woken, its timer wakes it.
        BOOST_TEST(context.stopped());
    }
}

// The client then has a socket that was never opened.
BOOST_AUTO_TEST_CASE(a_client_can_be_closed_after_each_failing_system_call)
{
    auto const server = start();
    for (std::size_t n = 1; n < 6; ++n)
        for (int steps = 0; steps < 6; ++steps)
        {
            asio::io_context context;
            asio::ip::tcp::socket const first(context, asio::ip::tcp::v4());
            coauth::client client(context.get_executor(), config_for(server));
            std::string got;
            failing_call const failing(n);
            client.async_get_access_token(
                coauth::token_request(),
                [&](token_result const& result) { got = outcome(result); });
            for (int i = 0; i < steps; ++i)
                context.poll_one();
            client.close();
            context.run_for(3s);
            BOOST_TEST_CONTEXT("call " << n << ", " << steps << " steps")
            // Some system calls fail with ENOMEM.
            BOOST_TEST(
                (got == "cancelled" || got == "connect_failed" || got == "out_of_memory"), got);
        }
}

BOOST_AUTO_TEST_SUITE_END()
