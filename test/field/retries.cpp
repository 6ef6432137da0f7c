// Transient failures: the status decides whether an operation is retried, whatever the body
// contains.

#include "fixture.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace test;

BOOST_AUTO_TEST_SUITE(retries)

namespace
{

token_result fetch_with_retries(coauth::client_config config)
{
    boost::asio::io_context context;
    config.retry.initial_back_off = 2ms;
    coauth::client client(context.get_executor(), std::move(config));
    token_result outcome = coauth::errc::cancelled;
    client.async_get_access_token(
        coauth::token_request(), [&](token_result r) { outcome = std::move(r); });
    context.run();
    return outcome;
}

struct row
{
    char const* server;
    unsigned status;
    char const* body;
    bool retried;
};

std::vector<row> const table = {
    // Frameworks put a text for people into `error`.
    {"Spring", 503,
     R"({"timestamp":"2026-01-01T00:00:00.000+00:00","status":503,"error":"Service Unavailable",)"
     R"("path":"/oauth/token"})",
     true},
    {"Spring", 500, R"({"status":500,"error":"Internal Server Error"})", true},
    {"Spring Cloud Gateway", 504, R"({"status":504,"error":"Gateway Timeout","message":""})", true},
    {"Rails", 500, R"({"status":500,"error":"Internal Server Error"})", true},
    {"NestJS", 503, R"({"statusCode":503,"message":"Down","error":"Service Unavailable"})", true},
    {"NestJS", 500, R"({"statusCode":500,"message":"Internal server error"})", true},
    {"Fastify", 500,
     R"({"statusCode":500,"code":"ECONNREFUSED","error":"Internal Server Error","message":"x"})",
     true},
    {"Fastify", 503, R"({"statusCode":503,"error":"Service Unavailable","message":"x"})", true},
    {"Express", 500, R"({"error":{"message":"connect ECONNREFUSED","status":500}})", true},
    {"Laravel", 500, R"({"message":"Server Error"})", true},
    {"Django", 500, "<h1>Server Error (500)</h1>", true},
    // Gateways and load balancers.
    {"nginx", 502, "<html><head><title>502 Bad Gateway</title></head></html>", true},
    {"Envoy", 503, "no healthy upstream", true},
    {"Envoy", 503, "upstream connect error or disconnect/reset before headers", true},
    {"HAProxy", 504, "<html><body><h1>504 Gateway Time-out</h1></body></html>", true},
    {"AWS", 503, R"({"message":"Service Unavailable"})", true},
    {"Kong", 502, R"({"message":"An invalid response was received from the upstream server"})",
     true},
    {"Azure API Management", 500, R"({"statusCode":500,"message":"Internal server error"})", true},
    {"Apigee", 503,
     R"({"fault":{"faultstring":"The Service is temporarily unavailable",)"
     R"("detail":{"errorcode":"messaging.adaptors.http.flow.ServiceUnavailable"}}})",
     true},
    {"Cloudflare", 520, "error code: 520", true},
    {"Cloudflare", 522, "", true},
    {"problem details", 503, R"({"type":"about:blank","title":"Service Unavailable","status":503})",
     true},
    {"no body", 500, "", true},
    {"an unregistered status", 599, R"({"error":"x"})", true},
    // A failing server may give any reason, such as a database that is not ready yet.
    {"Keycloak", 500, R"({"error":"unknown_error"})", true},
    {"OAuth error", 500, R"({"error":"server_error"})", true},
    {"OAuth error", 503, R"({"error":"temporarily_unavailable"})", true},
    {"OAuth error", 500, R"({"error":"invalid_client"})", true},
    {"OAuth error", 503, R"({"error":"invalid_grant"})", true},
    {"OAuth error", 502, R"({"error":"invalid_request"})", true},
    {"OAuth error", 500, R"({"error":"access_denied"})", true},
    {"OAuth error", 500, R"({"error":"unsupported_grant_type"})", true},
    // Three of the 4xx mean "later".
    {"timeout", 408, "", true},
    {"timeout", 408, R"({"error":"Request Timeout","status":408})", true},
    {"timeout", 408, R"({"error":"invalid_request","error_description":"no body came"})", true},
    {"too early", 425, R"({"error":"Too Early"})", true},
    {"too early", 425, "<html>", true},
    {"throttled", 429, "", true},
    {"Auth0", 429,
     R"({"error":"Too Many Requests","error_description":"Global limit has been reached"})", true},
    {"Okta", 429, R"({"errorCode":"E0000047","errorSummary":"API call exceeded rate limit"})",
     true},
    {"throttled", 429, R"({"error":"slow_down"})", true},
    // An RFC 6749 error of a throttled client may mean that its credentials are wrong: sending them
    // again within seconds may lock the account.
    {"refusal", 429, R"({"error":"invalid_client"})", false},
    {"refusal", 429, R"({"error":"invalid_grant"})", false},
    {"refusal", 408, R"({"error":"unauthorized_client"})", false},
    {"refusal", 425, R"({"error":"invalid_scope"})", false},
    // Every other 4xx is a refusal. A token source tries again later; one operation does not.
    {"refusal", 400, R"({"error":"invalid_client"})", false},
    {"refusal", 400, R"({"error":"temporarily_unavailable"})", false},
    {"refusal", 400, R"({"status":400,"error":"Bad Request"})", false},
    {"refusal", 401, R"({"error":"unauthorized"})", false},
    {"AWS", 403, R"({"message":"Forbidden"})", false},
    {"an ingress without a backend", 404, "default backend - 404", false},
    {"Spring", 404, R"({"status":404,"error":"Not Found"})", false},
    {"a method that is not allowed", 405, "", false},
    {"gone", 410, "", false},
    {"a maintenance page", 302, "", false},
    {"a success without a body", 200, "", false},
    {"a success without a token", 200, R"({"ok":true})", false},
};

} // namespace

BOOST_AUTO_TEST_CASE(one_odd_response_then_a_token)
{
    auto server = start();
    auto const config = server.config();
    for (auto const& [name, status, body, retried] : table)
        BOOST_TEST_CONTEXT(name << " " << status << " " << body)
        {
            server.clear_responses();
            server.push_response(response::json(status, body));
            auto const before = server.requests().size();
            auto const got = fetch_with_retries(config);
            BOOST_TEST((outcome(got) == "success") == retried, outcome(got));
            BOOST_TEST(server.requests().size() - before == (retried ? 2U : 1U));
        }
}

// The caller of one attempt learns whether another may help. The token source does likewise.
BOOST_AUTO_TEST_CASE(the_error_says_whether_it_is_transient)
{
    auto server = start();
    auto config = server.config();
    config.retry.max_attempts = 1;
    for (auto const& [name, status, body, retried] : table)
        BOOST_TEST_CONTEXT(name << " " << status << " " << body)
        {
            server.clear_responses();
            server.push_response(response::json(status, body));
            auto const got = fetch_with_retries(config);
            BOOST_REQUIRE(!got);
            bool const throttled = status == 429;
            bool const named =
                std::string(body).find("temporarily_unavailable") != std::string::npos;
            BOOST_TEST(got.error().transient() == (retried || throttled || named));
        }
}

BOOST_AUTO_TEST_CASE(all_attempts_are_used)
{
    auto server = start();
    for (auto const& [name, status, body, retried] : table)
        if (retried && status >= 500)
            BOOST_TEST_CONTEXT(name << " " << status << " " << body)
            {
                server.clear_responses();
                server.set_response(response::json(status, body));
                auto const before = server.requests().size();
                auto const got = fetch_with_retries(server.config());
                BOOST_REQUIRE(!got);
                BOOST_TEST(got.error().attempts() == 3U);
                BOOST_TEST(server.requests().size() - before == 3U);
            }
}

// A refresh token may be consumed: it is sent again only if it was certainly not.
BOOST_AUTO_TEST_CASE(a_refresh_token_is_not_sent_twice)
{
    auto chosen = options();
    auto server = start(std::move(chosen));
    for (unsigned const status : {500U, 502U, 504U, 520U})
        BOOST_TEST_CONTEXT(status)
        {
            server.clear_responses();
            server.set_response(response::json(status, R"({"error":"Internal Server Error"})"));
            auto const before = server.requests().size();
            boost::asio::io_context context;
            coauth::client client(context.get_executor(), server.config());
            std::string end;
            client.async_get_access_token(
                coauth::token_request::refresh_token(coauth::secret("r-1")),
                [&](token_result const& r) { end = outcome(r); });
            context.run();
            BOOST_TEST(end != "success");
            BOOST_TEST(server.requests().size() - before == 1U);
        }
}

BOOST_AUTO_TEST_SUITE_END()
