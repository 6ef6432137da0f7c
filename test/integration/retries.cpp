// Transient failures are retried within the deadline; other failures are not.

#include "client_fixture.hpp"
#include "fixture.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

using namespace test;

BOOST_AUTO_TEST_SUITE(retries)

namespace
{

// Runs one operation with the configured retries.
token_result fetch_with_retries(coauth::client_config const& config)
{
    boost::asio::io_context context;
    coauth::client client(context.get_executor(), with_log_scan(config));
    token_result got = coauth::errc::cancelled;
    client.async_get_access_token(
        coauth::token_request(), [&](token_result r) { got = std::move(r); });
    context.run();
    return got;
}

coauth::client_config quick(authorization_server const& server)
{
    auto config = server.config();
    config.retry.initial_back_off = 2ms;
    return config;
}

} // namespace

BOOST_AUTO_TEST_CASE(only_transient_failures_are_retried)
{
    struct row
    {
        char const* name;
        response bad;
        std::size_t requests;
    };
    auto cut = response::json(200, token_body);
    cut.cut_at = 20;
    cut.end = response_end::close;
    for (auto const& row : std::vector<row>{
             {"408", response::json(408, ""), 2},
             {"425", response::json(425, ""), 2},
             {"429", response::json(429, ""), 2},
             {"500", response::json(500, ""), 2},
             {"502", response::json(502, "<html>"), 2},
             {"503", response::json(503, R"({"error":"temporarily_unavailable"})"), 2},
             {"closed", response::nothing(response_end::close), 2},
             {"reset", response::nothing(response_end::reset), 2},
             {"cut", cut, 2},
             {"400", response::json(400, R"({"error":"invalid_request"})"), 1},
             {"400, word of a passing fault",
              response::json(400, R"({"error":"temporarily_unavailable"})"), 1},
             {"401", response::json(401, R"({"error":"invalid_client"})"), 1},
             {"404", response::json(404, ""), 1},
             {"redirect", response::json(302, ""), 1},
             {"no token", response::json(200, "{}"), 1},
             {"no HTTP", response::bytes("hello\r\n\r\n"), 1},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            auto server = start();
            server.push_response(row.bad);
            auto const got = fetch_with_retries(quick(server));
            BOOST_TEST(server.requests().size() == row.requests);
            BOOST_TEST((outcome(got) == "success") == (row.requests == 2));
            if (!got)
                BOOST_TEST(got.error().attempts() == 1U);
        }
}

BOOST_AUTO_TEST_CASE(retries_end_at_max_attempts)
{
    auto server = start();
    server.set_response(response::json(503, R"({"error":"temporarily_unavailable"})"));
    auto config = quick(server);
    auto const got = fetch_with_retries(config);
    BOOST_TEST(outcome(got) == "temporarily_unavailable");
    BOOST_TEST(got.error().attempts() == 3U);
    BOOST_TEST(server.requests().size() == 3U);
    config.retry.max_attempts = 1;
    BOOST_TEST(fetch_with_retries(config).error().attempts() == 1U);
    BOOST_TEST(server.requests().size() == 4U);
}

// Without idle connections: a 408 on a reused connection means that it timed out, and the request
// would be repeated without counting.
BOOST_AUTO_TEST_CASE(a_408_on_a_new_connection_counts_as_an_attempt)
{
    auto server = start();
    server.set_response(response::json(408, ""));
    auto const got = fetch_with_retries(quick(server));
    BOOST_TEST(outcome(got) == "http_error");
    BOOST_TEST(got.error().attempts() == 3U);
    BOOST_TEST(server.requests().size() == 3U);
    BOOST_TEST(server.connections() == 3U);
}

BOOST_AUTO_TEST_CASE(a_one_shot_call_is_not_retried)
{
    auto server = start();
    server.push_response(response::json(503, ""));
    boost::asio::io_context context;
    auto got = coauth::async_get_access_token(
        context.get_executor(), quick(server), coauth::token_request(), boost::asio::use_future);
    context.run();
    BOOST_TEST(outcome(got.get()) == "http_error");
    BOOST_TEST(server.requests().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_retry_that_does_not_fit_in_the_deadline_is_not_started)
{
    for (char const* const field : {"Retry-After", "X-Rate-Limit-Reset"})
        BOOST_TEST_CONTEXT(field)
        {
            auto server = start();
            auto busy = response::json(429, "");
            busy.headers.add(
                field, *field == 'R' ? "60"
                                     : std::to_string(
                                           std::chrono::duration_cast<std::chrono::seconds>(
                                               std::chrono::system_clock::now().time_since_epoch())
                                               .count() +
                                           60));
            server.push_response(busy);
            auto const got = fetch_with_retries(quick(server));
            BOOST_TEST(outcome(got) == "rate_limited");
            BOOST_TEST(got.error().retry_at().has_value());
            BOOST_TEST(server.requests().size() == 1U);
        }
}

BOOST_AUTO_TEST_CASE(a_retry_waits_as_long_as_the_server_requests)
{
    auto server = start();
    auto busy = response::json(429, "");
    busy.headers.add("Retry-After", "1");
    server.push_response(busy);
    stopwatch const watch;
    BOOST_TEST(outcome(fetch_with_retries(quick(server))) == "success");
    BOOST_TEST(watch.elapsed() >= 900ms);
}

BOOST_AUTO_TEST_CASE(an_attempt_that_times_out_is_retried)
{
    auto server = start();
    auto late = response::json(200, token_body);
    late.delay = 60s;
    server.push_response(late);
    auto config = quick(server);
    config.retry.attempt_timeout = 200ms;
    BOOST_TEST(outcome(fetch_with_retries(config)) == "success");
    BOOST_TEST(server.requests().size() == 2U);
}

BOOST_AUTO_TEST_CASE(an_unlimited_attempt_timeout_is_accepted)
{
    auto server = start();
    server.push_response(response::json(503, ""));
    auto config = quick(server);
    config.retry.attempt_timeout = std::chrono::milliseconds::max();
    BOOST_TEST(outcome(fetch_with_retries(config)) == "success");
    BOOST_TEST(server.requests().size() == 2U);
    // The deadline of the operation still holds.
    auto late = response::json(200, token_body);
    late.delay = std::chrono::milliseconds::max();
    server.push_response(late);
    config.timeout = 300ms;
    BOOST_TEST(outcome(fetch_with_retries(config)) == "timeout");
}

BOOST_AUTO_TEST_CASE(an_unlimited_back_off_prevents_the_retry)
{
    auto server = start();
    for (int i = 0; i < 4; ++i)
        server.push_response(response::json(503, ""));
    auto config = server.config();
    config.retry.initial_back_off = config.retry.max_back_off = std::chrono::milliseconds::max();
    BOOST_TEST(outcome(fetch_with_retries(config)) == "http_error");
    BOOST_TEST(server.requests().size() == 1U);
    // An unlimited maximum, but a delay above zero.
    config.retry.initial_back_off = 1ms;
    BOOST_TEST(outcome(fetch_with_retries(config)) == "http_error");
    BOOST_TEST(server.requests().size() == 4U);
}

// The attempt timeout does not limit the wait before the next attempt.
BOOST_AUTO_TEST_CASE(the_back_off_may_be_longer_than_the_attempt_timeout)
{
    auto server = start();
    auto busy = response::json(503, "");
    busy.headers.add("Retry-After", "2");
    server.push_response(busy);
    auto config = quick(server);
    config.retry.attempt_timeout = 1s;
    BOOST_TEST(outcome(fetch_with_retries(config)) == "success");
    BOOST_TEST(server.requests().size() == 2U);
}

// The second attempt has the rest of the deadline, which is shorter than the attempt timeout.
BOOST_AUTO_TEST_CASE(the_last_attempt_ends_at_the_deadline)
{
    auto server = start();
    auto busy = response::json(503, "");
    busy.delay = 1'500ms;
    server.push_response(busy);
    auto late = response::json(200, token_body);
    late.delay = 1'800ms;
    server.push_response(late);
    auto config = quick(server);
    config.timeout = 4s;
    config.connections.hedging_delay = std::chrono::milliseconds::max();
    config.retry.attempt_timeout = 3s;
    config.retry.max_attempts = 2;
    BOOST_TEST(outcome(fetch_with_retries(config)) == "success");
    BOOST_TEST(server.requests().size() == 2U);
}

BOOST_AUTO_TEST_CASE(no_retry_starts_when_the_client_is_closed)
{
    struct closing : coauth::observer
    {
        void on_attempt_failed(coauth::attempt_failed const&) override { client->close(); }
        coauth::client* client = nullptr;
    };
    auto server = start();
    auto late = response::json(200, token_body);
    late.delay = 60s;
    server.push_response(late);
    auto const closes = std::make_shared<closing>();
    auto config = quick(server);
    config.retry.attempt_timeout = 300ms;
    config.observer = closes;
    boost::asio::io_context context;
    coauth::client client(context.get_executor(), with_log_scan(config));
    closes->client = &client;
    token_result got = coauth::errc::timeout;
    client.async_get_access_token(
        coauth::token_request(), [&](token_result r) { got = std::move(r); });
    context.run();
    BOOST_TEST(outcome(got) == "cancelled");
    BOOST_TEST(server.requests().size() <= 1U);
}

// A server that rotates refresh tokens treats a repeated one as stolen.
BOOST_AUTO_TEST_CASE(a_refresh_token_that_may_have_been_consumed_is_not_sent_again)
{
    struct row
    {
        char const* name;
        response bad;
        char const* outcome;
        std::size_t requests;
    };
    auto dead = response::bytes("x", response_end::reset);
    dead.cut_at = 0;
    for (auto const& row : std::vector<row>{
             {"408", response::json(408, ""), "success", 2},
             {"429", response::json(429, ""), "success", 2},
             {"503", response::json(503, ""), "success", 2},
             {"500", response::json(500, ""), "http_error", 1},
             {"502", response::json(502, ""), "http_error", 1},
             {"reset", dead, "connection_lost", 1},
         })
        for (bool const kept : {false, true})
            BOOST_TEST_CONTEXT(row.name << (kept ? ", kept connection" : ""))
            {
                auto server = start();
                server.set_response(response::json(200, token_body));
                client_fixture keeps(quick(server));
                auto const request = coauth::token_request::refresh_token(coauth::secret("r"));
                if (kept)
                    BOOST_TEST(outcome(keeps.fetch(request)) == "success");
                server.push_response(row.bad);
                BOOST_TEST(outcome(keeps.fetch(request)) == row.outcome);
                BOOST_TEST(server.requests().size() == row.requests + (kept ? 1U : 0U));
            }
}

// A refresh token that was not sent is still valid.
BOOST_AUTO_TEST_CASE(a_refresh_token_that_was_not_sent_is_sent_by_the_retry)
{
    server_options chosen = options();
    chosen.connection_fault = coauth::testing::connection_fault::close_at_accept;
    auto const server = start(chosen);
    boost::asio::io_context context;
    coauth::client client(context.get_executor(), with_log_scan(quick(server)));
    token_result got = coauth::errc::cancelled;
    client.async_get_access_token(
        coauth::token_request::refresh_token(coauth::secret("r")),
        [&](token_result r) { got = std::move(r); });
    context.run();
    BOOST_TEST(outcome(got) == "connection_lost");
    BOOST_TEST(server.connections() == 3U);
}

BOOST_AUTO_TEST_CASE(the_error_message_does_not_grow_with_the_attempts)
{
    auto server = start();
    auto late = response::json(200, token_body);
    late.delay = 60s;
    server.set_response(late);
    auto config = quick(server);
    config.timeout = 1s;
    config.retry.max_attempts = 1000;
    config.retry.initial_back_off = config.retry.max_back_off = 1ms;
    config.retry.attempt_timeout = 5ms;
    auto const got = fetch_with_retries(config);
    BOOST_TEST(outcome(got) == "timeout");
    BOOST_REQUIRE(!got);
    BOOST_TEST(got.error().attempts() > 10U);
    BOOST_TEST(got.error().message().size() < 1024U, got.error());
}

BOOST_AUTO_TEST_CASE(the_error_contains_the_failure_of_the_last_attempt)
{
    auto server = start();
    auto late = response::json(200, token_body);
    late.delay = 60s;
    server.push_response(
        response::json(500, R"({"error":"server_error","error_description":"Why."})"));
    server.push_response(late);
    auto config = quick(server);
    config.timeout = 300ms;
    config.connections.hedging_delay = std::chrono::milliseconds::max();
    auto const got = fetch_with_retries(config);
    BOOST_TEST(outcome(got) == "timeout");
    BOOST_TEST(got.error().attempts() == 2U);
    BOOST_TEST(got.error().message().find("Why.") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(debug_text_shows_each_request_that_is_sent_and_no_other)
{
    auto server = start();
    std::size_t before = 0;
    for (unsigned const status : {401U, 503U})
    {
        std::size_t requests = 0;
        std::size_t responses = 0;
        auto config = quick(server);
        config.debug = [&](std::string_view part)
        { ++(part.starts_with("HTTP/") ? responses : requests); };
        server.push_response(response::json(status, ""));
        (void)fetch_with_retries(config);
        auto const sent = server.requests().size() - before;
        before += sent;
        BOOST_TEST(sent == (status == 401 ? 1U : 2U));
        BOOST_TEST(requests == sent);
        BOOST_TEST(responses == sent);
    }
}

BOOST_AUTO_TEST_SUITE_END()
