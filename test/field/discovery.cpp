// Discovery at servers that respond at one URL and not at another, or only later.

#include "discovery_fixture.hpp"
#include "fixture.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(discovery)

namespace
{

coauth::discovery_options uncached(authorization_server const& server)
{
    auto options = trusting(server);
    options.lifetime = 0s;
    return options;
}

response with_header(response made, char const* name, char const* value)
{
    made.headers.add(name, value);
    return made;
}

std::string metadata(std::string const& issuer)
{
    return R"({"issuer":")" + issuer + R"(","token_endpoint":"https://as.example/token"})";
}

// Completes on the context's thread, which is this one.
struct pending
{
    void operator()(discovery_result const& r) const
    {
        outcomes->push_back(r ? "success" : std::string(to_string(r.error().value())));
    }
    std::vector<std::string>* outcomes;
};

} // namespace

// The issuer is compared byte for byte (RFC 8414 section 3.3). The error points out differences
// that are easy to overlook.
BOOST_AUTO_TEST_CASE(an_issuer_that_differs_a_little_is_pointed_out)
{
    struct row
    {
        char const* path;
        std::function<std::string(std::string const&)> change;
        bool pointed_out;
    };
    auto const same = [](std::string const& issuer) { return issuer; };
    std::vector<row> const table = {
        {"", [](std::string const& issuer) { return issuer + "/"; }, true},
        {"/", [](std::string const& issuer) { return issuer.substr(0, issuer.size() - 1); }, true},
        {"/tenant", [](std::string const& issuer) { return issuer + "/"; }, true},
        {"/tenant/", [](std::string const& issuer) { return issuer.substr(0, issuer.size() - 1); },
         true},
        {"", [](std::string const& issuer) { return "HTTPS" + issuer.substr(5); }, true},
        {"/tenant", [](std::string const& issuer) { return issuer + "s"; }, false},
        {"/tenant", [](std::string const& issuer) { return issuer.substr(0, issuer.size() - 7); },
         false},
        {"/Tenant", [](std::string const& issuer)
         { return issuer.substr(0, issuer.size() - 6) + "tenant"; }, false},
        {"", [](std::string const&) { return std::string("https://as.example"); }, false},
        {"", [](std::string const&) { return std::string(); }, false},
        {"", same, false},
    };
    for (auto const& [path, change, pointed_out] : table)
    {
        auto chosen = options();
        chosen.issuer_path = path;
        auto server = start(std::move(chosen));
        auto const requested = server.issuer();
        auto const named = change(requested);
        server.set_response(response::json(200, metadata(named)));
        BOOST_TEST_CONTEXT(requested << " " << named)
        {
            auto const got = discover(requested, uncached(server));
            BOOST_TEST((outcome(got) == "success") == (named == requested));
            if (got)
                continue;
            auto const message = got.error().message();
            BOOST_TEST(
                message.find("its issuer is '" + named + "', not the requested one") !=
                    std::string::npos,
                message);
            BOOST_TEST(
                (message.find("; did you mean '" + named + "'?") != std::string::npos) ==
                    pointed_out,
                message);
        }
    }
}

// Keycloak behind a proxy that speaks TLS.
BOOST_AUTO_TEST_CASE(another_scheme_points_to_the_expected_issuer)
{
    auto server = start();
    auto const named = "http" + server.issuer().substr(5);
    server.set_response(response::json(200, metadata(named)));
    auto const got = discover(server.issuer(), uncached(server));
    BOOST_TEST(outcome(got) == "malformed_response");
    auto const advice = "set expected_issuer to '" + named + "'";
    BOOST_TEST((got.error().message().find(advice) != std::string::npos), got.error());
}

BOOST_AUTO_TEST_CASE(the_url_of_the_metadata_is_no_issuer)
{
    for (std::string const issuer : {"https://as.example", "https://as.example/tenant"})
        for (auto const* const path : {oauth_path, openid_path})
        {
            auto const got = discover(issuer + path, {});
            BOOST_TEST(outcome(got) == "invalid_configuration");
            BOOST_TEST(
                got.error().message().find("did you mean '" + issuer + "'?") != std::string::npos,
                got.error());
        }
}

// After any failure of the URL of RFC 8414, that of OpenID Connect is tried within the deadline.
BOOST_AUTO_TEST_CASE(the_other_place_is_tried)
{
    struct row
    {
        char const* name;
        response oauth;
    };
    std::vector<row> const table = {
        {"not found", response::json(404, "")},
        {"closed", response::nothing(response_end::close)},
        {"truncated", response::nothing(response_end::truncate)},
        {"reset", response::nothing(response_end::reset)},
        {"silent", response::nothing(response_end::stall)},
        {"throttled", response::json(429, "")},
        {"throttled for long", with_header(response::json(429, ""), "Retry-After", "3600")},
        {"throttled by its words", response::json(200, R"({"error":"slow_down"})")},
        {"timeout", response::json(408, "")},
        {"too early", response::json(425, "")},
        {"unavailable", response::json(503, R"({"status":503,"error":"Service Unavailable"})")},
        {"a maintenance page", response::json(302, "")},
        {"a page", response::json(200, "<html>")},
        {"empty", response::json(200, "")},
        {"no HTTP", response::bytes("hello\r\n\r\n")},
    };
    for (auto const& [name, oauth] : table)
        BOOST_TEST_CONTEXT(name)
        {
            auto server = start();
            server.set_response(at(oauth_path, oauth));
            auto options = uncached(server);
            options.timeout = 3s;
            stopwatch const watch;
            BOOST_TEST(outcome(discover(server.issuer(), options)) == "success");
            BOOST_TEST(watch.elapsed() < 3s);
            auto const requests = server.requests();
            BOOST_REQUIRE(!requests.empty());
            BOOST_TEST(requests.back().target == openid_path);
        }
}

// An issuer with a path has three URLs; a silent one leaves time for the others.
BOOST_AUTO_TEST_CASE(every_place_has_its_share_of_the_deadline)
{
    auto chosen = options();
    chosen.issuer_path = "/tenant";
    auto server = start(std::move(chosen));
    for (auto const* const path :
         {"/.well-known/oauth-authorization-server/tenant",
          "/tenant/.well-known/openid-configuration"})
        server.set_response(at(path, response::nothing(response_end::stall)));
    server.set_response(
        at("/tenant/.well-known/oauth-authorization-server",
           response::json(200, metadata(server.issuer()))));
    auto options = uncached(server);
    options.timeout = 3s;
    BOOST_TEST(outcome(discover(server.issuer(), options)) == "success");
    BOOST_TEST(server.requests().size() == 3U);
}

BOOST_AUTO_TEST_CASE(transient_failures_are_retried_as_for_tokens)
{
    struct row
    {
        char const* name;
        response oauth;
        response openid;
        // Number of rounds in which both URLs give these responses.
        std::size_t rounds;
        char const* outcome;
        std::size_t requests;
    };
    auto const gone = response::json(404, "");
    auto const unavailable = response::json(503, "");
    std::vector<row> const table = {
        {"one round", unavailable, unavailable, 1, "success", 3},
        {"two rounds", unavailable, unavailable, 2, "success", 5},
        {"three rounds", unavailable, unavailable, 3, "http_error", 6},
        {"no OpenID", unavailable, gone, 1, "success", 3},
        {"throttled", response::json(429, ""), gone, 1, "success", 3},
        {"throttled for long", with_header(response::json(429, ""), "Retry-After", "3600"), gone, 1,
         "rate_limited", 2},
        {"closed", response::nothing(response_end::close), gone, 1, "success", 3},
        {"a page, and unavailable", response::json(200, "<html>"), unavailable, 1, "success", 3},
        {"not found", gone, gone, 1, "http_error", 2},
        {"a page", response::json(200, "<html>"), gone, 1, "malformed_response", 2},
        {"forbidden", response::json(403, ""), gone, 1, "http_error", 2},
    };
    for (auto const& [name, oauth, openid, rounds, expected, requests] : table)
        BOOST_TEST_CONTEXT(name)
        {
            auto server = start();
            for (std::size_t i = 0; i < rounds; ++i)
            {
                server.push_response(at(oauth_path, oauth));
                server.push_response(at(openid_path, openid));
            }
            BOOST_TEST(outcome(discover(server.issuer(), uncached(server))) == expected);
            BOOST_TEST(server.requests().size() == requests);
        }
}

BOOST_AUTO_TEST_CASE(the_deadline_covers_all_rounds)
{
    auto server = start();
    server.set_response(response::nothing(response_end::stall));
    auto options = uncached(server);
    options.timeout = 400ms;
    stopwatch const watch;
    BOOST_TEST(outcome(discover(server.issuer(), options)) == "timeout");
    BOOST_TEST(watch.elapsed() >= 390ms);
    BOOST_TEST(watch.elapsed() < 2s);
}

BOOST_AUTO_TEST_CASE(many_at_once_share_one_request)
{
    auto server = start();
    asio::io_context context;
    std::vector<std::string> outcomes;
    for (int i = 0; i < 100; ++i)
        coauth::async_discover(
            context.get_executor(), server.issuer(), uncached(server), pending{&outcomes});
    context.run();
    BOOST_TEST(outcomes == std::vector<std::string>(100, "success"));
    BOOST_TEST(server.requests().size() == 1U);
    // A shared discovery is not a cache: the next call sends its own requests.
    BOOST_TEST(outcome(discover(server.issuer(), uncached(server))) == "success");
    BOOST_TEST(server.requests().size() == 2U);
}

BOOST_AUTO_TEST_CASE(many_at_once_share_a_failure)
{
    auto server = start();
    server.set_response(response::json(404, ""));
    asio::io_context context;
    std::vector<std::string> outcomes;
    for (int i = 0; i < 20; ++i)
        coauth::async_discover(
            context.get_executor(), server.issuer(), uncached(server), pending{&outcomes});
    context.run();
    BOOST_TEST(outcomes == std::vector<std::string>(20, "http_error"));
    BOOST_TEST(server.requests().size() == 2U);
}

BOOST_AUTO_TEST_CASE(many_threads_and_strands_share_one_request)
{
    auto server = start();
    auto slow = response::json(404, "");
    slow.delay = 200ms;
    server.push_response(at(oauth_path, slow));
    asio::thread_pool pool(2);
    std::vector<std::future<coauth::authorization_server>> futures;
    for (int i = 0; i < 50; ++i)
    {
        asio::any_io_executor executor = pool.get_executor();
        if (i % 2 == 1)
            executor = asio::make_strand(executor);
        auto promise = std::make_shared<std::promise<coauth::authorization_server>>();
        futures.push_back(promise->get_future());
        coauth::async_discover(
            executor, server.issuer(), uncached(server),
            [promise, executor](discovery_result const& r)
            {
                bool here = true;
                if (auto const* const strand =
                        executor.target<asio::strand<asio::any_io_executor>>())
                    here = strand->running_in_this_thread();
                if (r && here)
                    promise->set_value(*r);
                else
                    promise->set_exception(std::make_exception_ptr(std::runtime_error(
                        here ? r.error().message() : "completed outside its strand")));
            });
    }
    for (auto& future : futures)
        BOOST_CHECK_NO_THROW(BOOST_TEST(future.get().issuer == server.issuer()));
    pool.join();
    BOOST_TEST(server.requests().size() == 2U);
}

BOOST_AUTO_TEST_CASE(only_equal_calls_share)
{
    auto server = start();
    auto const plain = uncached(server);
    auto user_agent = plain;
    user_agent.user_agent = "another";
    auto debug = plain;
    debug.debug = [](std::string_view) {};
    auto timeout = plain;
    timeout.timeout = 5s;
    asio::io_context context;
    asio::io_context other;
    std::vector<std::string> outcomes;
    for (auto const& options : {plain, user_agent, debug, timeout, plain})
        coauth::async_discover(
            context.get_executor(), server.issuer(), options, pending{&outcomes});
    coauth::async_discover(other.get_executor(), server.issuer(), plain, pending{&outcomes});
    auto mistrusting = plain;
    mistrusting.tls.ca_pem = start().ca_pem();
    coauth::async_discover(
        context.get_executor(), server.issuer(), mistrusting, pending{&outcomes});
    context.run();
    other.run();
    BOOST_TEST(outcomes.size() == 7U);
    BOOST_TEST(std::count(outcomes.begin(), outcomes.end(), "success") == 6);
    BOOST_TEST(std::count(outcomes.begin(), outcomes.end(), "certificate_verify_failed") == 1);
    BOOST_TEST(server.requests().size() == 5U);
}

// Each call can be cancelled alone, also the first one, which started the discovery.
BOOST_AUTO_TEST_CASE(a_cancelled_call_leaves_the_others)
{
    for (std::size_t const cancelled : {0U, 1U, 2U})
        BOOST_TEST_CONTEXT(cancelled)
        {
            auto server = start();
            auto slow = response::json(404, "");
            slow.delay = 100ms;
            server.push_response(at(oauth_path, slow));
            asio::io_context context;
            std::array<asio::cancellation_signal, 3> signals;
            std::array<std::string, 3> ends;
            for (std::size_t i = 0; i < 3; ++i)
                coauth::async_discover(
                    context.get_executor(), server.issuer(), uncached(server),
                    asio::bind_cancellation_slot(
                        signals[i].slot(),
                        [&ends, i](discovery_result const& r) { ends[i] = outcome(r); }));
            asio::steady_timer timer(context, 20ms);
            timer.async_wait([&](boost::system::error_code)
                             { signals[cancelled].emit(asio::cancellation_type::total); });
            context.run();
            for (std::size_t i = 0; i < 3; ++i)
                BOOST_TEST(ends[i] == (i == cancelled ? "cancelled" : "success"));
            BOOST_TEST(server.requests().size() == 2U);
        }
}

BOOST_AUTO_TEST_CASE(without_calls_it_ends)
{
    auto server = start();
    server.set_response(response::nothing(response_end::stall));
    asio::io_context context;
    std::array<asio::cancellation_signal, 3> signals;
    std::vector<std::string> outcomes;
    for (auto& signal : signals)
        coauth::async_discover(
            context.get_executor(), server.issuer(), uncached(server),
            asio::bind_cancellation_slot(signal.slot(), pending{&outcomes}));
    asio::steady_timer timer(context, 20ms);
    timer.async_wait(
        [&](boost::system::error_code)
        {
            for (auto& signal : signals)
                signal.emit(asio::cancellation_type::terminal);
        });
    stopwatch const watch;
    context.run();
    BOOST_TEST(outcomes == std::vector<std::string>(3, "cancelled"));
    BOOST_TEST(watch.elapsed() < 2s);
}

// A later call has its own deadline, whatever happens to earlier ones.
BOOST_AUTO_TEST_CASE(a_later_call_has_its_own_deadline)
{
    auto server = start();
    server.push_response(response::nothing(response_end::stall));
    server.push_response(response::nothing(response_end::stall));
    auto options = uncached(server);
    options.timeout = 600ms;
    asio::io_context context;
    std::vector<std::string> outcomes;
    coauth::async_discover(context.get_executor(), server.issuer(), options, pending{&outcomes});
    asio::steady_timer timer(context, 300ms);
    timer.async_wait(
        [&](boost::system::error_code)
        {
            coauth::async_discover(
                context.get_executor(), server.issuer(), options, pending{&outcomes});
        });
    context.run();
    BOOST_TEST(outcomes == (std::vector<std::string>{"timeout", "success"}));
}

BOOST_AUTO_TEST_CASE(a_retry_can_be_cancelled_and_abandoned)
{
    auto server = start();
    server.set_response(with_header(response::json(503, ""), "Retry-After", "5"));
    std::vector<std::string> outcomes;
    {
        asio::io_context context;
        asio::cancellation_signal signal;
        coauth::async_discover(
            context.get_executor(), server.issuer(), uncached(server),
            asio::bind_cancellation_slot(signal.slot(), pending{&outcomes}));
        asio::steady_timer timer(context, 500ms);
        timer.async_wait([&](boost::system::error_code)
                         { signal.emit(asio::cancellation_type::terminal); });
        stopwatch const watch;
        context.run();
        BOOST_TEST(watch.elapsed() < 3s);
        BOOST_TEST(outcomes == std::vector<std::string>{"cancelled"});
        coauth::async_discover(
            context.get_executor(), server.issuer(), uncached(server), pending{&outcomes});
        context.restart();
        context.run_for(500ms);
    }
    // The context destroyed the handler.
    BOOST_TEST(outcomes.size() == 1U);
    server.clear_responses();
    BOOST_TEST(outcome(discover(server.issuer(), uncached(server))) == "success");
}

BOOST_AUTO_TEST_SUITE_END()
