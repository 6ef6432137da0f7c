// Kept connections that die in silence or get old: a hedged request, and the age of connections.

#include "client_authentication.hpp"
#include "client_fixture.hpp"
#include "fault_proxy.hpp"
#include "test_keys.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/test/unit_test.hpp>

#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace test;

BOOST_AUTO_TEST_SUITE(silent_connections)

using coauth::token_request;

namespace
{

constexpr auto never = 60s;

response late(std::chrono::milliseconds delay, std::string const& token = "late")
{
    auto scripted = response::token(token);
    scripted.delay = delay;
    return scripted;
}

struct hedging_fixture
{
    explicit hedging_fixture(std::chrono::milliseconds hedging_delay = 100ms)
    {
        config.connections.hedging_delay = hedging_delay;
        config.retry.max_attempts = 1;
    }

    // The first request opens a connection.
    client_fixture warm_client()
    {
        server.push_response(response::token("first"));
        return client_fixture(config);
    }

    authorization_server server = start();
    coauth::client_config config = server.config();
};

std::string token_of(token_result const& got)
{
    return got ? std::string(got->value()) : got.error().message();
}

std::set<std::string> values_of(std::vector<coauth::testing::received_request> const& requests)
{
    std::set<std::string> proofs;
    for (auto const& request : requests)
        proofs.emplace(request.headers.find("DPoP").value_or(""));
    return proofs;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_request_on_a_silent_connection_succeeds_on_a_new_one)
{
    hedging_fixture f;
    auto one = f.warm_client();
    BOOST_TEST(token_of(one.fetch()) == "first");
    f.server.push_response(late(never));
    f.server.push_response(response::token("second"));
    f.server.push_response(response::token("third"));
    BOOST_TEST(token_of(one.fetch()) == "second");
    BOOST_TEST(one.client.counters().hedged_requests == 1U);
    BOOST_TEST(f.server.requests().size() == 3U);
    BOOST_TEST(f.server.connections() == 2U);
    // The new connection is kept, the silent one is not.
    BOOST_TEST(one.client.counters().open == 1U);
    BOOST_TEST(token_of(one.fetch()) == "third");
    BOOST_TEST(f.server.connections() == 2U);
    BOOST_TEST(one.client.counters().hedged_requests == 1U);
}

BOOST_AUTO_TEST_CASE(the_response_of_a_slow_server_counts_if_it_comes_first)
{
    hedging_fixture f;
    auto one = f.warm_client();
    BOOST_TEST(token_of(one.fetch()) == "first");
    f.server.push_response(late(400ms, "slow"));
    f.server.push_response(late(never));
    f.server.push_response(late(500ms, "slow-again"));
    BOOST_TEST(token_of(one.fetch()) == "slow");
    BOOST_TEST(one.client.counters().hedged_requests == 1U);
    BOOST_TEST(one.client.counters().open == 1U);
    // A server that takes 400 ms does not get each request twice.
    BOOST_TEST(token_of(one.fetch()) == "slow-again");
    BOOST_TEST(one.client.counters().hedged_requests == 1U);
}

BOOST_AUTO_TEST_CASE(the_deadline_brings_the_hedge_forward)
{
    for (bool const by_attempt : {false, true})
        BOOST_TEST_CONTEXT("limit of each attempt: " << by_attempt)
        {
            hedging_fixture f(30s);
            (by_attempt ? f.config.retry.attempt_timeout : f.config.timeout) = 4s;
            auto one = f.warm_client();
            BOOST_TEST(token_of(one.fetch()) == "first");
            f.server.push_response(late(never));
            f.server.push_response(response::token("second"));
            stopwatch const watch;
            BOOST_TEST(token_of(one.fetch()) == "second");
            BOOST_TEST(watch.elapsed() >= 1900ms);
        }
}

BOOST_AUTO_TEST_CASE(a_connection_that_is_not_reused_is_not_suspected)
{
    hedging_fixture f;
    f.config.connections.idle_timeout = 0ms;
    auto one = f.warm_client();
    BOOST_TEST(token_of(one.fetch()) == "first");
    f.server.push_response(late(400ms));
    BOOST_TEST(token_of(one.fetch()) == "late");
    BOOST_TEST(one.client.counters().hedged_requests == 0U);
    BOOST_TEST(f.server.requests().size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_response_that_has_begun_is_not_silence)
{
    hedging_fixture f;
    auto one = f.warm_client();
    BOOST_TEST(token_of(one.fetch()) == "first");
    auto slow = response::token("in-pieces");
    slow.piece = 40;
    slow.piece_delay = 80ms;
    f.server.push_response(slow);
    BOOST_TEST(token_of(one.fetch()) == "in-pieces");
    BOOST_TEST(one.client.counters().hedged_requests == 0U);
}

BOOST_AUTO_TEST_CASE(a_refresh_token_is_never_sent_twice)
{
    hedging_fixture f;
    auto one = f.warm_client();
    BOOST_TEST(token_of(one.fetch()) == "first");
    f.server.push_response(late(400ms, "renewed"));
    auto const request = token_request::refresh_token(coauth::secret("r.efresh"));
    BOOST_TEST(token_of(one.fetch(request)) == "renewed");
    BOOST_TEST(one.client.counters().hedged_requests == 0U);
    BOOST_TEST(f.server.requests().size() == 2U);
    BOOST_TEST(f.server.connections() == 1U);
}

BOOST_AUTO_TEST_CASE(a_refresh_token_is_not_sent_on_a_connection_that_may_be_dead)
{
    hedging_fixture f;
    auto one = f.warm_client();
    BOOST_TEST(token_of(one.fetch()) == "first");
    std::this_thread::sleep_for(1100ms);
    f.server.push_response(response::token("renewed"));
    auto const request = token_request::refresh_token(coauth::secret("r.efresh"));
    BOOST_TEST(token_of(one.fetch(request)) == "renewed");
    BOOST_TEST(f.server.connections() == 2U);
}

// Each would cost the next operation another delay.
BOOST_AUTO_TEST_CASE(connections_of_the_same_age_are_not_trusted_either)
{
    hedging_fixture f(300ms);
    client_fixture many(f.config);
    f.server.set_response(late(100ms));
    BOOST_TEST(count(many.fetch_at_once(4), "success") == 4U);
    BOOST_TEST_REQUIRE(many.client.counters().idle == 4U);
    f.server.push_response(late(never));
    BOOST_TEST(token_of(many.fetch()) == "late");
    BOOST_TEST(many.client.counters().open == 1U);
    BOOST_TEST(many.client.counters().hedged_requests == 1U);
}

BOOST_AUTO_TEST_CASE(an_old_connection_goes_on_if_no_new_one_can_be_opened)
{
    hedging_fixture f;
    fault_proxy proxy(f.server.port());
    auto const port = proxy.open();
    BOOST_TEST_REQUIRE(port.has_value());
    f.config.server.token_endpoint = "https://127.0.0.1:" + std::to_string(*port) + "/oauth/token";
    auto one = f.warm_client();
    BOOST_TEST(token_of(one.fetch()) == "first");
    proxy.close(*port);
    f.server.push_response(late(500ms));
    BOOST_TEST(token_of(one.fetch()) == "late");
    BOOST_TEST(one.client.counters().hedged_requests == 1U);
    BOOST_TEST(f.server.connections() == 1U);
}

BOOST_AUTO_TEST_CASE(a_hedged_operation_ends_with_its_deadline)
{
    hedging_fixture f;
    f.config.timeout = 2s;
    auto one = f.warm_client();
    BOOST_TEST(token_of(one.fetch()) == "first");
    f.server.set_response(late(never));
    auto const got = one.fetch();
    BOOST_TEST(outcome(got) == "timeout");
    BOOST_TEST(one.client.counters().hedged_requests == 1U);
    BOOST_TEST(one.client.counters().open == 0U);
    auto const text = token_of(got);
    BOOST_TEST(text.find("silent on a reused connection") != std::string::npos, text);
}

BOOST_AUTO_TEST_CASE(a_hedged_operation_can_be_cancelled)
{
    hedging_fixture f;
    auto one = f.warm_client();
    BOOST_TEST(token_of(one.fetch()) == "first");
    f.server.set_response(late(never));
    boost::asio::steady_timer cancel(one.context, 300ms);
    cancel.async_wait([&](auto) { one.client.close(); });
    BOOST_TEST(outcome(one.fetch()) == "cancelled");
    BOOST_TEST(one.client.counters().hedged_requests == 1U);
}

BOOST_AUTO_TEST_CASE(both_connections_may_fail)
{
    hedging_fixture f;
    auto one = f.warm_client();
    BOOST_TEST(token_of(one.fetch()) == "first");
    auto broken = response::nothing(response_end::reset);
    broken.delay = 300ms;
    f.server.push_response(broken);
    f.server.push_response(broken);
    BOOST_TEST(outcome(one.fetch()) == "connection_lost");
    BOOST_TEST(f.server.requests().size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_hedged_request_has_a_proof_of_its_own)
{
    hedging_fixture f;
    f.config.dpop = std::make_shared<coauth::dpop_prover>(signing_key_of(test_key("P-256")));
    auto const bound =
        response::json(200, R"({"access_token":"bound","token_type":"DPoP","expires_in":3600})");
    f.server.set_response(bound);
    client_fixture one(f.config);
    BOOST_TEST(token_of(one.fetch()) == "bound");
    auto silent = bound;
    silent.delay = never;
    f.server.push_response(silent);
    BOOST_TEST(token_of(one.fetch()) == "bound");
    BOOST_TEST(values_of(f.server.requests()).size() == 3U);
}

BOOST_AUTO_TEST_CASE(an_old_connection_is_not_reused)
{
    hedging_fixture f;
    f.config.connections.max_age = 300ms;
    f.server.set_response(response::token("again"));
    client_fixture one(f.config);
    BOOST_TEST(token_of(one.fetch()) == "again");
    BOOST_TEST(token_of(one.fetch()) == "again");
    std::this_thread::sleep_for(400ms);
    BOOST_TEST(token_of(one.fetch()) == "again");
    auto const counters = one.client.counters();
    BOOST_TEST(counters.connections_opened >= 2U);
    BOOST_TEST(counters.open == 1U);
    f.config.connections.max_age = 0ms;
    client_fixture other(f.config);
    BOOST_TEST(token_of(other.fetch()) == "again");
    BOOST_TEST(other.client.counters().open == 0U);
}

// A name that moves to another address is followed while requests run without a pause.
BOOST_AUTO_TEST_CASE(a_name_that_moves_under_load_is_followed)
{
    auto before = start();
    auto after = start();
    before.set_response(response::token("before"));
    after.set_response(response::token("after"));
    auto config = before.config();
    auto endpoint = config.server.token_endpoint;
    config.server.token_endpoint = endpoint.replace(endpoint.find("127.0.0.1"), 9, "localhost");
    config.tls.ca_pem = before.ca_pem() + after.ca_pem();
    config.connections.max_age = 200ms;
    config.connections.dns_cache_ttl = 0ms;
    std::uint16_t target = before.port();
    config.connections.resolver = [&target](auto const&, std::uint16_t, auto const& done)
    { done({}, {{"127.0.0.1", target}}); };
    client_fixture one(config);
    BOOST_TEST(token_of(one.fetch()) == "before");
    target = after.port();
    BOOST_TEST(token_of(one.fetch()) == "before");
    stopwatch const watch;
    std::string last;
    while (last != "after" && watch.elapsed() < 20s)
        last = token_of(one.fetch());
    BOOST_TEST(last == "after");
}

BOOST_AUTO_TEST_SUITE_END()
