// The n-th system call fails, for every n of a request: it ends once, with the right token or a
// typed error, in its time, and leaves no descriptor behind.

#include "failing_calls.hpp"
#include "fixture.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/test/unit_test.hpp>

#include <dirent.h>
#include <map>
#include <thread>

using namespace test;
namespace asio = boost::asio;

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

// One after the other, so many tokens.
std::vector<token_result>
fetch_in_turn(asio::io_context& context, coauth::client_config const& config, int count)
{
    std::vector<token_result> got;
    coauth::client client(context.get_executor(), config);
    for (int i = 0; i < count; ++i)
    {
        client.async_get_access_token(
            coauth::token_request(), [&](token_result one) { got.push_back(std::move(one)); });
        context.restart();
        context.run_for(3s);
    }
    return got;
}

void fail_each(coauth::client_config const& config, int count)
{
    std::map<std::string, int> outcomes;
    auto const before = open_descriptors();
    char const* which = "";
    for (std::size_t n = 1; which != nullptr; ++n)
    {
        std::vector<token_result> got;
        stopwatch const watch;
        bool stopped = false;
        {
            asio::io_context context;
            // What Asio makes for a context, once, is the user's.
            asio::ip::tcp::socket const first(context, asio::ip::tcp::v4());
            failing_call const failing(n);
            got = fetch_in_turn(context, config, count);
            stopped = context.stopped();
            which = failing.which();
        }
        BOOST_TEST_CONTEXT("call " << n << ", " << (which != nullptr ? which : "none"))
        {
            BOOST_TEST(stopped, "something still waits");
            BOOST_TEST(got.size() == static_cast<std::size_t>(count));
            BOOST_TEST(watch.elapsed() < 3s);
            for (auto const& one : got)
            {
                ++outcomes[outcome(one)];
                if (one)
                    BOOST_TEST(one->value() == "tok.en-1");
                else
                    check_no_secret(one);
            }
        }
    }
    // The server runs in this process too, and closes in its own time.
    stopwatch const closing;
    while (open_descriptors() != before && closing.elapsed() < 5s)
        std::this_thread::sleep_for(1ms);
    BOOST_TEST(open_descriptors() == before);
    std::string text;
    for (auto const& [how, times] : outcomes)
        text += ' ' + how + ' ' + std::to_string(times);
    BOOST_TEST_MESSAGE(text);
}

} // namespace

BOOST_AUTO_TEST_SUITE(system_calls)

BOOST_AUTO_TEST_CASE(of_a_request)
{
    auto server = start();
    server.always(answer::json(200, token_body));
    fail_each(config_for(server), 1);
}

BOOST_AUTO_TEST_CASE(of_requests_over_a_kept_connection)
{
    auto server = start();
    server.always(answer::json(200, token_body));
    fail_each(config_for(server), 3);
}

BOOST_AUTO_TEST_CASE(of_a_request_that_meets_silence)
{
    auto server = start();
    auto silent = answer::bytes("HTTP/1.1 200 OK\r\n", ending::stall);
    server.always(silent);
    fail_each(config_for(server), 1);
}

// There is a socket then that was never opened.
BOOST_AUTO_TEST_CASE(leave_a_client_that_can_be_closed)
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
                coauth::token_request(), [&](token_result const& one) { got = outcome(one); });
            for (int i = 0; i < steps; ++i)
                context.poll_one();
            client.close();
            context.run_for(3s);
            BOOST_TEST_CONTEXT("call " << n << ", " << steps << " steps")
            BOOST_TEST((got == "cancelled" || got == "connect_failed"), got);
        }
}

BOOST_AUTO_TEST_SUITE_END()
