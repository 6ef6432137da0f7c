// A cancellation ends an operation in every phase, long before its deadline.

#include "fixture.hpp"
#include "full_backlog.hpp"
#include "hanging_lookup.hpp"
#include "scripted_proxy.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <functional>
#include <optional>
#include <thread>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(cancellation)

using coauth::testing::connection_fault;

namespace
{

constexpr auto deadline = 5s;
constexpr auto promptly = 2s;

// Waits until the operation is in the phase of interest.
using wait_until = std::function<bool(authorization_server const&)>;

bool connected(authorization_server const& server)
{
    return server.wait_for_connections(1);
}
bool requested(authorization_server const& server)
{
    return server.wait_for_requests(1);
}

// Starts an operation, cancels it when `ready` returns true, or at once if it is empty, and returns
// the outcome.
token_result cancel_when(
    authorization_server const& server, coauth::client_config config, wait_until const& ready,
    asio::cancellation_type type = asio::cancellation_type::terminal)
{
    config.timeout = deadline;
    asio::io_context context;
    asio::cancellation_signal signal;
    coauth::client client(context.get_executor(), with_log_scan(config));
    std::vector<token_result> got;
    client.async_get_access_token(
        coauth::token_request(),
        asio::bind_cancellation_slot(
            signal.slot(), [&](token_result r) { got.push_back(std::move(r)); }));

    stopwatch const watch;
    if (!ready)
        signal.emit(type);
    std::thread canceller(
        [&]
        {
            if (!ready)
                return;
            bool const in_phase = ready(server);
            asio::post(
                context,
                [&, in_phase]
                {
                    BOOST_TEST(in_phase);
                    signal.emit(type);
                });
        });
    auto const work = asio::make_work_guard(context);
    while (got.empty() && watch.elapsed() < deadline)
        context.run_one_for(100ms);
    canceller.join();
    BOOST_REQUIRE_EQUAL(got.size(), 1U);
    BOOST_TEST(watch.elapsed() < promptly);
    return got.front();
}

// Starts an operation whose name lookup hangs, ends it, and checks that it completes while the
// lookup continues.
void check_ended_lookup(
    coauth::client_config const& config, char const* expected,
    std::function<void(asio::cancellation_signal&, std::optional<coauth::client>&)> const& end)
{
    asio::io_context context;
    asio::cancellation_signal signal;
    std::optional<coauth::client> client(
        std::in_place, context.get_executor(), with_log_scan(config));
    // Destroyed first, since the context waits for the lookup's thread.
    hanging_lookup const hang;
    std::vector<token_result> got;
    client->async_get_access_token(
        coauth::token_request(),
        asio::bind_cancellation_slot(
            signal.slot(), [&](token_result r) { got.push_back(std::move(r)); }));
    context.poll();
    BOOST_REQUIRE(hang.wait());
    stopwatch const watch;
    end(signal, client);
    while (got.empty() && watch.elapsed() < deadline)
        context.run_one_for(100ms);
    BOOST_REQUIRE_EQUAL(got.size(), 1U);
    BOOST_TEST(outcome(got.front()) == expected);
    BOOST_TEST(watch.elapsed() < promptly);
}

void check_cancelled(token_result const& got)
{
    BOOST_TEST(outcome(got) == "cancelled");
    check_no_secret(got, "tok.en-1");
    if (!got)
        BOOST_TEST(!got.error().transient());
}

} // namespace

BOOST_AUTO_TEST_CASE(a_silent_tls_handshake_is_cancelled_promptly)
{
    auto chosen = options();
    chosen.connection_fault = connection_fault::silence;
    auto const server = start(chosen);
    check_cancelled(cancel_when(server, server.config(), connected));
}

BOOST_AUTO_TEST_CASE(a_connection_that_is_not_accepted_is_cancelled_promptly)
{
    full_backlog const hole;
    auto const server = start();
    auto config = server.config();
    config.server.token_endpoint = "https://127.0.0.1:" + std::to_string(hole.port()) + "/";
    auto const started = [](authorization_server const&)
    {
        std::this_thread::sleep_for(50ms);
        return true;
    };
    check_cancelled(cancel_when(server, config, started));

    config.timeout = 200ms;
    stopwatch const watch;
    BOOST_TEST(outcome(fetch(config)) == "timeout");
    BOOST_TEST(watch.elapsed() >= 200ms);
    BOOST_TEST(watch.elapsed() < promptly);
}

BOOST_AUTO_TEST_CASE(a_hanging_name_lookup_is_cancelled_promptly)
{
    auto config = start().config();
    config.server.token_endpoint = "https://" + std::string(hanging_lookup::host) + "/oauth/token";
    config.timeout = 100ms;
    check_ended_lookup(config, "timeout", [](auto&, auto&) {});
    config.timeout = deadline;
    for (auto const type :
         {asio::cancellation_type::terminal, asio::cancellation_type::partial,
          asio::cancellation_type::total})
        check_ended_lookup(config, "cancelled", [type](auto& signal, auto&) { signal.emit(type); });
    check_ended_lookup(config, "cancelled", [](auto&, auto& client) { client.reset(); });
}

BOOST_AUTO_TEST_CASE(a_request_for_a_proxy_tunnel_is_cancelled_promptly)
{
    for (char const* const response : {"", "HTTP/1.1 200 OK\r\n"})
    {
        proxy_script script;
        script.response = response;
        scripted_proxy const proxy(script);
        auto const server = start();
        auto config = server.config();
        config.proxy.url = proxy.url();
        std::size_t connections = 0;
        for (auto const type :
             {asio::cancellation_type::terminal, asio::cancellation_type::partial,
              asio::cancellation_type::total})
        {
            ++connections;
            auto const asked_proxy = [&](authorization_server const&)
            { return proxy.wait_for_requests(connections); };
            check_cancelled(cancel_when(server, config, asked_proxy, type));
            BOOST_TEST(proxy.wait_for_ended(connections));
        }

        asio::io_context context;
        std::optional<coauth::client> client(
            std::in_place, context.get_executor(), with_log_scan(config));
        std::vector<token_result> got;
        client->async_get_access_token(
            coauth::token_request(), [&](token_result r) { got.push_back(std::move(r)); });
        stopwatch const watch;
        while (proxy.requests() < connections + 1 && watch.elapsed() < promptly)
            context.run_one_for(10ms);
        client.reset();
        context.run();
        BOOST_REQUIRE_EQUAL(got.size(), 1U);
        check_cancelled(got.front());
        BOOST_TEST(watch.elapsed() < promptly);
        BOOST_TEST(proxy.wait_for_ended(connections + 1));
        BOOST_TEST(server.connections() == 0U);
    }
}

BOOST_AUTO_TEST_CASE(a_delayed_response_is_cancelled_promptly)
{
    auto server = start();
    auto late = response::json(200, token_body);
    late.delay = 60s;
    server.push_response(late);
    check_cancelled(cancel_when(server, server.config(), requested));
    BOOST_TEST(server.requests().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_stalled_header_or_body_is_cancelled_promptly)
{
    for (std::size_t const cut : {5U, 30U, 60U})
    {
        auto server = start();
        auto stalled = response::bytes(http_response(token_body), response_end::stall);
        stalled.cut_at = cut;
        server.push_response(stalled);
        auto const sent = [cut](authorization_server const& s)
        {
            stopwatch const watch;
            while (s.bytes_sent() < cut && watch.elapsed() < promptly)
                std::this_thread::yield();
            return s.bytes_sent() >= cut;
        };
        check_cancelled(cancel_when(server, server.config(), sent));
    }
}

BOOST_AUTO_TEST_CASE(a_slow_response_is_cancelled_promptly)
{
    auto server = start();
    auto trickling = response::bytes(http_response(token_body));
    trickling.piece = 1;
    trickling.piece_delay = 100ms;
    server.push_response(trickling);
    check_cancelled(cancel_when(server, server.config(), requested));
}

BOOST_AUTO_TEST_CASE(an_operation_can_be_cancelled_before_its_first_step)
{
    auto const server = start();
    check_cancelled(cancel_when(server, server.config(), {}));
}

BOOST_AUTO_TEST_CASE(every_cancellation_type_cancels)
{
    auto server = start();
    auto late = response::json(200, token_body);
    late.delay = 60s;
    server.set_response(late);
    std::size_t requests = 0;
    for (auto const type :
         {asio::cancellation_type::terminal, asio::cancellation_type::partial,
          asio::cancellation_type::total, asio::cancellation_type::all})
    {
        ++requests;
        auto const requested_again = [requests](authorization_server const& s)
        { return s.wait_for_requests(requests); };
        check_cancelled(cancel_when(server, server.config(), requested_again, type));
    }
}

BOOST_AUTO_TEST_CASE(cancellation_type_none_has_no_effect)
{
    auto server = start();
    auto late = response::json(200, token_body);
    late.delay = 100ms;
    server.push_response(late);
    auto const got = cancel_when(server, server.config(), requested, asio::cancellation_type::none);
    BOOST_TEST(outcome(got) == "success");
}

BOOST_AUTO_TEST_CASE(cancellation_after_completion_has_no_effect)
{
    auto const server = start();
    asio::io_context context;
    asio::cancellation_signal signal;
    coauth::client client(context.get_executor(), with_log_scan(server.config()));
    int completions = 0;
    client.async_get_access_token(
        coauth::token_request(), asio::bind_cancellation_slot(
                                     signal.slot(),
                                     [&](token_result const& r)
                                     {
                                         ++completions;
                                         BOOST_TEST(outcome(r) == "success");
                                         signal.emit(asio::cancellation_type::terminal);
                                     }));
    context.run();
    signal.emit(asio::cancellation_type::terminal);
    context.restart();
    context.run();
    BOOST_TEST(completions == 1);
}

BOOST_AUTO_TEST_CASE(cancellation_does_not_affect_other_operations)
{
    auto server = start();
    auto late = response::json(200, token_body);
    late.delay = 300ms;
    server.set_response(late);
    asio::io_context context;
    asio::cancellation_signal signal;
    coauth::client client(context.get_executor(), with_log_scan(server.config()));
    std::vector<std::string> cancelled;
    std::vector<std::string> kept;
    client.async_get_access_token(
        coauth::token_request(),
        asio::bind_cancellation_slot(
            signal.slot(), [&](token_result const& r) { cancelled.push_back(outcome(r)); }));
    client.async_get_access_token(
        coauth::token_request(), [&](token_result const& r) { kept.push_back(outcome(r)); });
    context.run_for(50ms);
    signal.emit(asio::cancellation_type::total);
    context.run();
    BOOST_TEST(
        cancelled == std::vector<std::string>{"cancelled"}, boost::test_tools::per_element());
    BOOST_TEST(kept == std::vector<std::string>{"success"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
