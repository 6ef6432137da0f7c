// A client that is configured with only its server's issuer, and discovers the endpoints itself.

#include "discovery_fixture.hpp"
#include "moved_clock.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(issuer_client)

namespace
{

coauth::client_config issuer_alone(authorization_server const& server)
{
    auto config = server.config();
    config.issuer = server.issuer();
    config.server = {};
    config.retry.max_attempts = 1;
    return config;
}

struct issuer_fixture
{
    explicit issuer_fixture(coauth::client_config const& config)
        : client(context.get_executor(), with_log_scan(config))
    {
    }
    void start_call()
    {
        client.async_get_access_token([this](token_result r) { results.push_back(std::move(r)); });
    }
    void run()
    {
        context.restart();
        context.run();
    }
    std::string fetch()
    {
        results.clear();
        start_call();
        BOOST_TEST(results.empty());
        run();
        BOOST_REQUIRE_EQUAL(results.size(), 1U);
        return outcome(results.front());
    }

    asio::io_context context;
    coauth::client client;
    std::vector<token_result> results;
};

std::size_t count_targets(authorization_server const& server, std::string const& target)
{
    auto const all = targets(server);
    return static_cast<std::size_t>(std::count(all.begin(), all.end(), target));
}

std::string const get_metadata = std::string("GET ") + oauth_path;

} // namespace

BOOST_AUTO_TEST_CASE(discovers_its_endpoints_once)
{
    auto const server = start();
    issuer_fixture t(issuer_alone(server));
    BOOST_TEST(static_cast<bool>(t.client.validate()));
    BOOST_TEST(server.connections() == 0U);
    for (int i = 0; i < 20; ++i)
        t.start_call();
    t.run();
    BOOST_TEST(t.results.size() == 20U);
    for (auto const& r : t.results)
        BOOST_TEST(outcome(r) == "success");
    auto const token = require_token(t.results.front());

    // Every operation, also as an awaitable.
    std::optional<coauth::result<coauth::introspection>> state;
    asio::co_spawn(
        t.context, t.client.async_introspect(coauth::secret(token.value())),
        [&](auto const&, auto r) { state = std::move(r); });
    t.run();
    BOOST_REQUIRE(state && *state);
    BOOST_TEST((*state)->active);
    std::optional<token_result> awaited;
    asio::co_spawn(
        t.context, t.client.async_get_access_token(),
        [&](auto const&, auto r) { awaited = std::move(r); });
    t.run();
    BOOST_REQUIRE(awaited);
    BOOST_TEST(outcome(*awaited) == "success");
    BOOST_TEST(count_targets(server, get_metadata) == 1U);
    BOOST_TEST(t.client.counters().tokens == 21U);
}

BOOST_AUTO_TEST_CASE(serves_a_token_source_and_a_single_call)
{
    auto const server = start();
    issuer_fixture t(issuer_alone(server));
    coauth::token_source tokens(t.client);
    std::optional<token_result> got;
    tokens.async_get_access_token([&](token_result r) { got = std::move(r); });
    t.run();
    BOOST_REQUIRE(got);
    BOOST_TEST(outcome(*got) == "success");
    BOOST_TEST(outcome(fetch(issuer_alone(server))) == "success");
}

BOOST_AUTO_TEST_CASE(repeats_a_discovery_that_fails)
{
    auto server = start();
    // Within one operation, after a transient failure.
    for (auto const* const path : {oauth_path, openid_path})
        server.push_response(at(path, response::json(503, "")));
    issuer_fixture t(issuer_alone(server));
    BOOST_TEST(t.fetch() == "success");
    BOOST_TEST(count_targets(server, get_metadata) == 2U);

    // In the next operation, after any other.
    auto other = start();
    other.push_response(at(oauth_path, response::json(200, metadata_with(other, ""))));
    other.push_response(at(openid_path, response::json(404, "")));
    issuer_fixture u(issuer_alone(other));
    BOOST_TEST(u.fetch() == "malformed_response");
    BOOST_TEST(u.client.counters().failures == 1U);
    BOOST_TEST(u.fetch() == "success");
}

BOOST_AUTO_TEST_CASE(rejects_an_invalid_configuration)
{
    auto const server = start();
    struct row
    {
        char const* says;
        void (*change)(coauth::client_config& config);
    };
    for (auto const& [says, change] :
         std::vector<row>{
             {"are both set",
              [](auto& config) { config.server.token_endpoint = "https://as.example/token"; }},
             {"query", [](auto& config) { config.issuer += "?a=b"; }},
             {"did you mean",
              [](auto& config) { config.issuer += "/.well-known/openid-configuration"; }},
             {"issuer", [](auto& config) { config.issuer = "http://as.example"; }},
             {"expected_issuer is set without issuer",
              [](auto& config)
              {
                  config.expected_issuer = std::exchange(config.issuer, "");
                  config.server.token_endpoint = "https://as.example/token";
              }},
             {"timeout is 0 ms", [](auto& config) { config.timeout = 0ms; }}})
        BOOST_TEST_CONTEXT(says)
        {
            auto config = issuer_alone(server);
            change(config);
            auto const valid = coauth::validate(config);
            BOOST_REQUIRE(!valid);
            BOOST_TEST(valid.error().message().find(says) != std::string::npos, valid.error());
            BOOST_TEST((valid.error() == coauth::errc::invalid_configuration));
            issuer_fixture t(config);
            BOOST_TEST(t.fetch() == "invalid_configuration");
        }
    BOOST_TEST(server.connections() == 0U);
}

BOOST_AUTO_TEST_CASE(keeps_what_the_configuration_sets)
{
    auto const server = start();
    auto config = issuer_alone(server);
    config.server.introspection_endpoint = server.issuer() + "/mine";
    config.server.expires_in.absent = coauth::expires_in_rule::assumed;
    issuer_fixture t(config);
    BOOST_TEST(t.fetch() == "success");
    t.client.async_introspect(coauth::secret("t"), "", [](auto const&) {});
    t.run();
    BOOST_TEST(targets(server).back() == "POST /mine");
}

// The metadata move the endpoint, as after an upgrade of the server.
BOOST_AUTO_TEST_CASE(reads_its_endpoints_again_when_one_is_gone)
{
    auto server = start();
    server.push_response(
        at(oauth_path,
           response::json(
               200, metadata_with(server, ",\"token_endpoint\":\"" + server.issuer() + "/old\""))));
    server.set_response(at("/old", response::json(200, token_body)));
    issuer_fixture t(issuer_alone(server));
    BOOST_TEST(t.fetch() == "success");
    server.set_response(at("/old", response::json(410, "")));
    BOOST_TEST(t.fetch() == "http_error");
    BOOST_TEST(count_targets(server, get_metadata) == 1U);
    BOOST_TEST(t.fetch() == "http_error");
    BOOST_TEST(count_targets(server, get_metadata) == 2U);
    BOOST_TEST(t.fetch() == "success");
    BOOST_TEST(count_targets(server, "POST /old") == 3U);
    BOOST_TEST(t.client.counters().tokens == 2U);

    // A server that is wrong for long is not queried again and again.
    auto const path = server.token_endpoint().substr(server.issuer().size());
    server.set_response(at(path.c_str(), response::json(404, "")));
    for (int i = 0; i < 6; ++i)
        BOOST_TEST(t.fetch() == "http_error");
    BOOST_TEST(count_targets(server, get_metadata) == 2U);
}

BOOST_AUTO_TEST_CASE(reads_its_endpoints_again_after_a_day)
{
    auto server = start();
    issuer_fixture t(issuer_alone(server));
    BOOST_TEST(t.fetch() == "success");
    {
        moved_clock const almost(23h);
        BOOST_TEST(t.fetch() == "success");
        BOOST_TEST(count_targets(server, get_metadata) == 1U);
    }
    moved_clock const later(25h);
    // A failure leaves the known ones in use.
    for (auto const* const path : {oauth_path, openid_path})
        server.push_response(at(path, response::json(404, "")));
    BOOST_TEST(t.fetch() == "success");
    BOOST_TEST(count_targets(server, get_metadata) == 2U);
    BOOST_TEST(t.fetch() == "success");
    BOOST_TEST(count_targets(server, get_metadata) == 2U);
}

BOOST_AUTO_TEST_CASE(ends_while_it_discovers)
{
    struct row
    {
        char const* name;
        std::chrono::milliseconds timeout;
        void (*act)(issuer_fixture& t, asio::cancellation_signal& stop);
        char const* outcome;
    };
    for (auto const& [name, timeout, act, expected] :
         std::vector<row>{
             {"cancelled", 60s,
              [](auto&, auto& stop) { stop.emit(asio::cancellation_type::total); }, "cancelled"},
             {"closed", 60s, [](auto& t, auto&) { t.client.close(); }, "cancelled"},
             {"too late", 300ms, [](auto&, auto&) {}, "timeout"}})
        BOOST_TEST_CONTEXT(name)
        {
            auto server = start();
            for (auto const* const path : {oauth_path, openid_path})
            {
                auto silent = at(path, response::json(200, "{}"));
                silent.delay = 60s;
                server.set_response(silent);
            }
            auto config = issuer_alone(server);
            config.timeout = timeout;
            issuer_fixture t(config);
            asio::cancellation_signal stop;
            t.client.async_get_access_token(
                {}, asio::bind_cancellation_slot(
                        stop.slot(), [&](token_result r) { t.results.push_back(std::move(r)); }));
            t.context.run_for(100ms);
            BOOST_TEST(t.results.empty());
            act(t, stop);
            t.run();
            BOOST_REQUIRE_EQUAL(t.results.size(), 1U);
            BOOST_TEST(outcome(t.results.front()) == expected);
            BOOST_TEST(count_targets(server, "POST /oauth/token") == 0U);
        }
}

BOOST_AUTO_TEST_CASE(fails_after_close)
{
    auto const server = start();
    issuer_fixture t(issuer_alone(server));
    t.client.close();
    BOOST_TEST(t.fetch() == "cancelled");
    issuer_fixture u(issuer_alone(server));
    BOOST_TEST(u.fetch() == "success");
    u.client.close();
    BOOST_TEST(u.fetch() == "cancelled");
}

// Of a server that this program reaches by another name, such as Keycloak behind a proxy.
BOOST_AUTO_TEST_CASE(may_expect_another_issuer_than_the_url)
{
    std::string const external = "https://login.example/realms/one";
    auto server = start();
    for (auto const* const path : {oauth_path, openid_path})
        server.set_response(
            at(path, response::json(
                         200, R"({"issuer":")" + external + R"(","token_endpoint":")" +
                                  server.token_endpoint() + "\"}")));
    auto options = trusting(server);
    BOOST_TEST(outcome(discover(server.issuer(), options)) == "malformed_response");
    options.expected_issuer = external;
    auto const found = discover(server.issuer(), options);
    BOOST_REQUIRE(found);
    BOOST_TEST(found->issuer == external);
    // The cache keeps them apart.
    options.expected_issuer = "https://login.example/realms/two";
    BOOST_TEST(outcome(discover(server.issuer(), options)) == "malformed_response");
    options.expected_issuer.clear();
    BOOST_TEST(outcome(discover(server.issuer(), options)) == "malformed_response");

    auto config = issuer_alone(server);
    issuer_fixture t(config);
    BOOST_TEST(t.fetch() == "malformed_response");
    config.expected_issuer = external;
    issuer_fixture u(config);
    BOOST_TEST(u.fetch() == "success");
}

BOOST_AUTO_TEST_SUITE_END()
