// Which calls share discovered metadata, and for how long.

#include "discovery_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <utility>

using namespace test;

BOOST_AUTO_TEST_SUITE(discovery_cache)

BOOST_AUTO_TEST_CASE(metadata_is_shared_only_by_calls_with_the_same_trust)
{
    auto const server = start();
    auto options = trusting(server);
    BOOST_TEST(outcome(discover(server.issuer(), options)) == "success");
    BOOST_TEST(outcome(discover(server.issuer(), options)) == "success");
    BOOST_TEST(server.requests().size() == 1U);
    auto mistrusting = options;
    mistrusting.tls.ca_pem = start().ca_pem();
    BOOST_TEST(outcome(discover(server.issuer(), mistrusting)) == "certificate_verify_failed");
    options.lifetime = 0s;
    BOOST_TEST(outcome(discover(server.issuer(), options)) == "success");
    BOOST_TEST(outcome(discover(server.issuer(), options)) == "success");
    BOOST_TEST(server.requests().size() == 3U);
}

BOOST_AUTO_TEST_CASE(the_longest_lifetime_does_not_overflow)
{
    auto const server = start();
    auto options = trusting(server);
    options.lifetime = std::chrono::seconds::max();
    BOOST_TEST(outcome(discover(server.issuer(), options)) == "success");
    BOOST_TEST(outcome(discover(server.issuer(), options)) == "success");
    BOOST_TEST(server.requests().size() == 1U);
}

BOOST_AUTO_TEST_CASE(negative_lifetimes_and_timeouts_out_of_range_are_refused)
{
    using std::chrono::milliseconds;
    auto const server = start();
    auto const refused = [&](coauth::discovery_options const& options, char const* says)
    {
        auto const got = discover(server.issuer(), options);
        BOOST_TEST(outcome(got) == "invalid_configuration");
        BOOST_TEST(got.error().message().find(says) != std::string::npos, got.error());
    };
    for (auto const lifetime : {std::chrono::seconds::min(), -1s})
    {
        auto options = trusting(server);
        options.lifetime = lifetime;
        refused(options, " s; it must not be negative");
    }
    for (auto const timeout : {milliseconds::min(), -1ms, 0ms, milliseconds::max()})
    {
        auto options = trusting(server);
        options.timeout = timeout;
        refused(options, " ms; it must be from 1 ms to 1 hour");
    }
    BOOST_TEST(server.connections() == 0U);
}

BOOST_AUTO_TEST_CASE(metadata_allowed_by_a_laxer_call_is_not_served_to_a_stricter_one)
{
    auto chosen = options();
    chosen.tls = false;
    auto const plain = start(std::move(chosen));
    coauth::discovery_options options;
    options.allow_http_loopback = true;
    BOOST_TEST(outcome(discover(plain.issuer(), options)) == "success");
    options.allow_http_loopback = false;
    BOOST_TEST(outcome(discover(plain.issuer(), options)) == "invalid_configuration");

    auto server = start();
    server.set_response(response::json(
        200, metadata_with(server, R"(,"token_endpoint":"http://127.0.0.1:1/token")")));
    options = trusting(server);
    options.allow_http_loopback = true;
    BOOST_TEST(outcome(discover(server.issuer(), options)) == "success");
    options.allow_http_loopback = false;
    BOOST_TEST(outcome(discover(server.issuer(), options)) == "malformed_response");
}

BOOST_AUTO_TEST_CASE(a_failure_is_not_cached)
{
    auto server = start();
    server.push_response(at(oauth_path, response::json(404, "")));
    server.push_response(at(openid_path, response::json(404, "")));
    BOOST_TEST(outcome(discover(server)) == "http_error");
    BOOST_TEST(outcome(discover(server)) == "success");
}

BOOST_AUTO_TEST_SUITE_END()
