// What is found out from an issuer alone, and from whom it is not believed.

#include "client_authentication.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/test/unit_test.hpp>

#include <functional>
#include <optional>
#include <thread>

using namespace test;
namespace asio = boost::asio;

namespace
{

using found = coauth::result<coauth::authorization_server>;

constexpr char const* oauth_path = "/.well-known/oauth-authorization-server";
constexpr char const* openid_path = "/.well-known/openid-configuration";

coauth::discovery_options trusting(authorization_server const& server)
{
    coauth::discovery_options options;
    options.tls.ca_pem = server.ca_pem();
    return options;
}

found discover(std::string const& issuer, coauth::discovery_options const& options)
{
    asio::io_context context;
    std::vector<found> got;
    coauth::async_discover(
        context.get_executor(), issuer, options, [&](found f) { got.push_back(std::move(f)); });
    BOOST_TEST(got.empty(), "completed within the initiating function");
    context.run();
    BOOST_REQUIRE_EQUAL(got.size(), 1U);
    return got.front();
}

found discover(authorization_server const& server)
{
    return discover(server.issuer(), trusting(server));
}

std::vector<std::string> targets(authorization_server const& server)
{
    std::vector<std::string> all;
    for (auto const& seen : server.requests())
        all.push_back(seen.method + " " + seen.target);
    return all;
}

void check_targets(authorization_server const& server, std::vector<std::string> const& expected)
{
    auto const seen = targets(server);
    BOOST_TEST(seen == expected, boost::test_tools::per_element());
}

response at(char const* path, response a)
{
    a.path = path;
    return a;
}

std::string metadata_with(authorization_server const& server, std::string const& more)
{
    return R"({"issuer":")" + server.issuer() + "\"" + more + "}";
}

} // namespace

BOOST_AUTO_TEST_SUITE(discovery)

BOOST_AUTO_TEST_CASE(tells_all_that_a_client_needs)
{
    test_key const key("P-256");
    auto chosen = knowing(key);
    chosen.dpop = coauth::testing::dpop::accepted;
    chosen.client_certificates = coauth::testing::client_certificates::requested_at_alias;
    auto const server = start(std::move(chosen));
    auto const got = discover(server);
    BOOST_REQUIRE_MESSAGE(got, outcome(got));
    BOOST_TEST(got->issuer == server.issuer());
    BOOST_TEST(got->token_endpoint == server.token_endpoint());
    BOOST_TEST(got->introspection_endpoint == server.introspection_endpoint());
    BOOST_TEST(got->revocation_endpoint == server.revocation_endpoint());
    BOOST_TEST(got->mtls_endpoint_aliases.token_endpoint == server.mtls_token_endpoint());
    BOOST_TEST(got->grant_types == std::vector<std::string>{"client_credentials"});
    BOOST_TEST(got->introspection_authentication_methods == got->authentication_methods);
    BOOST_TEST(got->revocation_authentication_methods == got->authentication_methods);
    BOOST_TEST(!got->dpop_algorithms.empty());

    coauth::available_credentials have;
    have.key = signing_key_of(key);
    auto const how = coauth::select_client_authentication(*got, other_id, have);
    BOOST_REQUIRE_MESSAGE(how, outcome(how));
    auto config = authenticated(server, *how);
    config.server = *got;
    BOOST_TEST(outcome(fetch(config)) == "success");
}

BOOST_AUTO_TEST_CASE(trusts_whom_the_system_trusts_unless_told_otherwise)
{
    auto const server = start();
    asio::io_context context;
    std::string end;
    coauth::async_discover(
        context.get_executor(), server.issuer(), [&](found const& f) { end = outcome(f); });
    context.run();
    BOOST_TEST(end == "certificate_verify_failed");
}

BOOST_AUTO_TEST_CASE(asks_beside_the_path_of_the_issuer)
{
    auto chosen = options();
    chosen.issuer_path = "/tenant/one";
    auto server = start(std::move(chosen));
    BOOST_TEST(outcome(discover(server)) == "success");
    check_targets(server, {"GET /.well-known/oauth-authorization-server/tenant/one"});
}

// Whatever the body says of it.
BOOST_AUTO_TEST_CASE(asks_for_openid_metadata_where_there_are_no_others)
{
    std::vector<char const*> const bodies = {
        "",
        "<html>Not found</html>",
        R"({"error":"Unable to find matching target resource method"})",
        R"({"error":"invalid_client"})",
        R"({"error":"temporarily_unavailable"})",
        R"({"error":{"type":"not_found","message":"No such path","code":1100}})",
        R"({"timestamp":"2026-11-23T00:00:00Z","status":404,"error":"Not Found","path":"/x"})",
        R"({"type":"about:blank","title":"Not Found","status":404})"};
    auto server = start();
    auto options = trusting(server);
    options.lifetime = 0s;
    for (unsigned const status : {404U, 400U, 401U, 403U, 405U, 410U, 302U, 500U, 501U, 503U, 200U})
        for (auto const* const body : bodies)
            BOOST_TEST_CONTEXT(status << " " << body)
            {
                auto const before = server.requests().size();
                server.clear_responses();
                server.set_response(at(oauth_path, response::json(status, body)));
                BOOST_TEST(outcome(discover(server.issuer(), options)) == "success");
                auto const seen = targets(server);
                BOOST_REQUIRE_EQUAL(seen.size(), before + 2);
                BOOST_TEST(seen[before] == std::string("GET ") + oauth_path);
                BOOST_TEST(seen[before + 1] == std::string("GET ") + openid_path);
            }
}

BOOST_AUTO_TEST_CASE(asks_at_every_place_beside_a_path)
{
    for (std::string const slash : {"", "/"})
        BOOST_TEST_CONTEXT(slash)
        {
            auto chosen = options();
            chosen.issuer_path = "/tenant/one" + slash;
            auto server = start(std::move(chosen));
            auto const issuer = server.issuer();
            std::string const first = "/.well-known/oauth-authorization-server/tenant/one";
            std::string const second = "/tenant/one/.well-known/openid-configuration";
            std::string const third = "/tenant/one/.well-known/oauth-authorization-server";
            auto const missing = response::json(404, R"({"error":"Not Found"})");
            auto const good = response::json(
                200, metadata_with(server, R"(,"token_endpoint":"https://as.example/token")"));
            server.set_response(at(first.c_str(), missing));
            server.set_response(at(second.c_str(), good));
            BOOST_TEST(outcome(discover(server)) == "success");
            check_targets(server, {"GET " + first, "GET " + second});

            auto options = trusting(server);
            options.lifetime = 0s;
            server.clear_responses();
            server.set_response(at(first.c_str(), missing));
            server.set_response(at(second.c_str(), missing));
            server.set_response(at(third.c_str(), good));
            BOOST_TEST(outcome(discover(issuer, options)) == "success");
            check_targets(
                server,
                {"GET " + first, "GET " + second, "GET " + first, "GET " + second, "GET " + third});

            server.clear_responses();
            server.set_response(missing);
            auto const got = discover(issuer, options);
            BOOST_TEST(outcome(got) == "http_error");
            BOOST_TEST(got.error().http_status() == 404U);
        }
}

BOOST_AUTO_TEST_CASE(says_what_is_wrong_when_there_are_none)
{
    struct row
    {
        char const* outcome;
        response oauth;
        response openid;
    };
    for (auto const& [expected, oauth, openid] : std::vector<row>{
             {"http_error", response::json(404, ""), response::json(404, "")},
             {"http_error", response::json(404, ""), response::json(500, "")},
             {"server_error", response::json(500, R"({"error":"server_error"})"),
              response::json(404, "")},
             {"redirect_refused", response::json(404, ""), response::json(302, "")},
             {"rate_limited", response::json(404, ""), response::json(429, "")},
             {"malformed_response", response::json(200, "{}"), response::json(500, "")},
             {"malformed_response", response::json(200, "<html>"), response::json(404, "")},
             {"malformed_response", response::json(404, ""), response::json(200, "[]")}})
        BOOST_TEST_CONTEXT(oauth.status << oauth.body << " " << openid.status << openid.body)
        {
            auto server = start();
            server.set_response(at(oauth_path, oauth));
            server.set_response(at(openid_path, openid));
            BOOST_TEST(outcome(discover(server)) == expected);
        }
}

// The server has metadata at the other place.
BOOST_AUTO_TEST_CASE(asks_elsewhere_a_server_that_wants_to_be_asked_later)
{
    for (auto const& later :
         {response::json(429, ""), response::json(408, ""), response::json(425, ""),
          response::json(200, R"({"error":{"type":"rate_limit"}})")})
        BOOST_TEST_CONTEXT(later.status)
        {
            auto server = start();
            server.set_response(at(oauth_path, later));
            BOOST_TEST(outcome(discover(server)) == "success");
            BOOST_TEST(server.requests().size() == 2U);
        }
}

BOOST_AUTO_TEST_CASE(leaves_out_what_cannot_be_asked)
{
    auto server = start();
    for (std::string const url :
         {R"("")", "null", "5", "[]", R"("ftp://as.example/")", R"("http://as.example/")",
          R"("https://as.example/#x")", R"("/relative")"})
        BOOST_TEST_CONTEXT(url)
        {
            server.clear_responses();
            server.set_response(response::json(
                200, metadata_with(
                         server, R"(,"token_endpoint":"https://as.example/token",)"
                                 R"("introspection_endpoint":)" +
                                     url + R"(,"revocation_endpoint":)" + url +
                                     R"(,"mtls_endpoint_aliases":{"token_endpoint":)" + url +
                                     R"(,"introspection_endpoint":"https://as.example/i",)" +
                                     R"("revocation_endpoint":)" + url + "}")));
            auto options = trusting(server);
            options.lifetime = 0s;
            auto const got = discover(server.issuer(), options);
            BOOST_REQUIRE_MESSAGE(got, outcome(got));
            BOOST_TEST(got->introspection_endpoint == "");
            BOOST_TEST(got->revocation_endpoint == "");
            BOOST_TEST(got->mtls_endpoint_aliases.token_endpoint == "");
            BOOST_TEST(got->mtls_endpoint_aliases.introspection_endpoint == "https://as.example/i");
            BOOST_TEST(got->mtls_endpoint_aliases.revocation_endpoint == "");
        }
}

BOOST_AUTO_TEST_CASE(tells_whether_tokens_are_bound_to_a_certificate)
{
    for (auto const& [json, bound] :
         {std::pair("true", true), {"false", false}, {R"("true")", false}, {"null", false}})
        BOOST_TEST_CONTEXT(json)
        {
            auto server = start();
            server.set_response(response::json(
                200, metadata_with(
                         server, R"(,"token_endpoint":"https://as.example/token",)"
                                 R"("tls_client_certificate_bound_access_tokens":)" +
                                     std::string(json))));
            auto const got = discover(server);
            BOOST_REQUIRE_MESSAGE(got, outcome(got));
            BOOST_TEST(got->certificate_bound_tokens == bound);
        }
}

BOOST_AUTO_TEST_CASE(believes_no_metadata_that_are_wrong)
{
    auto const good = R"(,"token_endpoint":"https://as.example/token")";
    struct row
    {
        char const* says;
        std::string body;
    };
    auto server = start();
    for (auto const& [says, body] : std::vector<row>{
             {"not the requested one", R"({"token_endpoint":"https://as.example/token"})"},
             {"not the requested one",
              R"({"issuer":"https://evil.example","token_endpoint":"https://as.example/token"})"},
             {"not the requested one", R"({"issuer":")" + server.issuer() +
                                           R"(/","token_endpoint":"https://as.example/t"})"},
             {"has no token_endpoint", metadata_with(server, "")},
             {"token_endpoint",
              metadata_with(server, R"(,"token_endpoint":"http://as.example/t")")},
             {"token_endpoint", metadata_with(server, R"(,"token_endpoint":"http://127.0.0.1/t")")},
             {"token_endpoint",
              metadata_with(server, R"(,"token_endpoint":"https://u:p@as.example/t")")},
             {"token_endpoint is not a string",
              metadata_with(server, R"(,"token_endpoint":["x"])")},
             {"has no token_endpoint", metadata_with(server, R"(,"token_endpoint":"")")},
             {"not a JSON object", metadata_with(server, std::string(good) + good)},
             {"not a JSON object", metadata_with(server, std::string(good) + ",")}})
        BOOST_TEST_CONTEXT(body)
        {
            server.clear_responses();
            server.set_response(at(oauth_path, response::json(200, body)));
            server.set_response(at(openid_path, response::json(404, "")));
            auto const got = discover(server);
            BOOST_TEST(outcome(got) == "malformed_response");
            BOOST_REQUIRE(!got);
            BOOST_TEST(got.error().message().find(says) != std::string::npos, got.error());
        }
    server.clear_responses();
    server.set_response(at(oauth_path, response::json(206, metadata_with(server, good))));
    server.set_response(at(openid_path, response::json(404, "")));
    BOOST_TEST(outcome(discover(server)) == "malformed_response");
    server.clear_responses();
    server.set_response(at(oauth_path, response::json(200, metadata_with(server, good))));
    BOOST_TEST(outcome(discover(server)) == "success");
}

BOOST_AUTO_TEST_CASE(follows_no_redirect)
{
    auto server = start();
    auto away = response::json(302, "");
    away.headers.add("Location", server.issuer() + "/elsewhere");
    server.set_response(at(oauth_path, away));
    server.set_response(at(openid_path, away));
    BOOST_TEST(outcome(discover(server)) == "redirect_refused");
    BOOST_TEST(server.requests().size() == 2U);
}

BOOST_AUTO_TEST_CASE(reads_no_more_than_the_limit)
{
    auto server = start();
    server.set_response(response::json(200, std::string(2U << 20U, ' ')));
    BOOST_TEST(outcome(discover(server)) == "response_too_large");
}

BOOST_AUTO_TEST_CASE(takes_issuers_alone)
{
    for (char const* const issuer :
         {"", "as.example", "http://as.example", "http://127.0.0.1", "https://as.example?x",
          "https://as.example/#x", "https://u:p@as.example", "ftp://as.example", "https://"})
        BOOST_TEST_CONTEXT(issuer)
        {
            auto const got = discover(issuer, {});
            BOOST_TEST(outcome(got) == "invalid_configuration");
            BOOST_TEST(got.error().message().find("issuer") != std::string::npos, got.error());
        }
}

BOOST_AUTO_TEST_CASE(is_kept_for_its_lifetime_and_for_those_who_trust_the_same)
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

BOOST_AUTO_TEST_CASE(is_kept_for_as_long_as_can_be_said)
{
    auto const server = start();
    auto options = trusting(server);
    options.lifetime = std::chrono::seconds::max();
    BOOST_TEST(outcome(discover(server.issuer(), options)) == "success");
    BOOST_TEST(outcome(discover(server.issuer(), options)) == "success");
    BOOST_TEST(server.requests().size() == 1U);
}

BOOST_AUTO_TEST_CASE(refuses_times_that_make_no_sense)
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

BOOST_AUTO_TEST_CASE(is_not_kept_for_those_who_would_not_have_taken_it)
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

BOOST_AUTO_TEST_CASE(of_a_failure_is_not_kept)
{
    auto server = start();
    server.push_response(at(oauth_path, response::json(404, "")));
    server.push_response(at(openid_path, response::json(404, "")));
    BOOST_TEST(outcome(discover(server)) == "http_error");
    BOOST_TEST(outcome(discover(server)) == "success");
}

BOOST_AUTO_TEST_CASE(has_one_deadline_for_all_that_it_asks)
{
    auto server = start();
    auto missing = response::json(404, "");
    missing.delay = 100ms;
    server.set_response(at(oauth_path, missing));
    auto never = response::bytes("x", response_end::stall);
    never.cut_at = 0;
    server.set_response(at(openid_path, never));
    auto options = trusting(server);
    options.timeout = 300ms;
    stopwatch const watch;
    BOOST_TEST(outcome(discover(server.issuer(), options)) == "timeout");
    BOOST_TEST(watch.elapsed() >= 290ms);
    BOOST_TEST(watch.elapsed() < 2s);
}

BOOST_AUTO_TEST_CASE(is_ended_by_every_cancellation)
{
    for (auto const type :
         {asio::cancellation_type::terminal, asio::cancellation_type::partial,
          asio::cancellation_type::total})
    {
        auto server = start();
        auto never = response::bytes("x", response_end::stall);
        never.cut_at = 0;
        server.set_response(at(oauth_path, never));
        asio::io_context context;
        asio::cancellation_signal signal;
        std::vector<std::string> ends;
        stopwatch const watch;
        coauth::async_discover(
            context.get_executor(), server.issuer(), trusting(server),
            asio::bind_cancellation_slot(
                signal.slot(), [&](found const& f) { ends.push_back(outcome(f)); }));
        std::thread canceller(
            [&]
            {
                (void)server.wait_for_requests(1);
                asio::post(context, [&] { signal.emit(type); });
            });
        context.run();
        canceller.join();
        BOOST_TEST(ends == std::vector<std::string>{"cancelled"}, boost::test_tools::per_element());
        BOOST_TEST(watch.elapsed() < 2s);
    }
}

// Also before it runs, and between two documents.
BOOST_AUTO_TEST_CASE(is_ended_at_every_step)
{
    auto server = start();
    server.set_response(response::json(404, ""));
    std::size_t steps = 0;
    std::string end = "cancelled";
    // At last it ends by itself.
    for (; end == "cancelled" && steps < 1000; ++steps)
    {
        asio::io_context context;
        asio::cancellation_signal signal;
        std::vector<std::string> ends;
        coauth::async_discover(
            context.get_executor(), server.issuer(), trusting(server),
            asio::bind_cancellation_slot(
                signal.slot(), [&](found const& f) { ends.push_back(outcome(f)); }));
        for (std::size_t step = 0; step < steps; ++step)
            context.run_one();
        if (ends.empty())
            signal.emit(asio::cancellation_type::total);
        context.run();
        BOOST_REQUIRE_EQUAL(ends.size(), 1U);
        end = ends.front();
    }
    BOOST_TEST(end == "http_error");
    BOOST_TEST(steps > 5U);
}

BOOST_AUTO_TEST_CASE(is_ended_in_a_coroutine_as_its_state_says)
{
    auto server = start();
    auto never = response::bytes("x", response_end::stall);
    never.cut_at = 0;
    server.set_response(never);
    asio::io_context context;
    asio::cancellation_signal signal;
    std::string end;
    auto const whole = [&]() -> asio::awaitable<void>
    {
        co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
        co_await asio::this_coro::throw_if_cancelled(false);
        auto const options = trusting(server);
        auto const got =
            co_await coauth::async_discover(context.get_executor(), server.issuer(), options);
        end = outcome(got);
    };
    asio::co_spawn(context, whole(), asio::bind_cancellation_slot(signal.slot(), asio::detached));
    asio::post(context, [&] { signal.emit(asio::cancellation_type::total); });
    context.run();
    BOOST_TEST(end == "cancelled");
}

BOOST_AUTO_TEST_SUITE_END()
