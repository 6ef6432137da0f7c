// Discovery: which URLs are tried, and which metadata is accepted (RFC 8414).

#include "discovery_fixture.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(discovery)

BOOST_AUTO_TEST_CASE(returns_everything_a_client_needs)
{
    test_key const key("P-256");
    auto chosen = options_with_client(key);
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

BOOST_AUTO_TEST_CASE(trusts_the_systems_authorities_by_default)
{
    auto const server = start();
    asio::io_context context;
    std::string end;
    coauth::async_discover(
        context.get_executor(), server.issuer(),
        [&](discovery_result const& r) { end = outcome(r); });
    context.run();
    BOOST_TEST(end == "certificate_verify_failed");
}

BOOST_AUTO_TEST_CASE(inserts_the_well_known_path_before_the_issuers_path)
{
    auto chosen = options();
    chosen.issuer_path = "/tenant/one";
    auto server = start(std::move(chosen));
    BOOST_TEST(outcome(discover(server)) == "success");
    check_targets(server, {"GET /.well-known/oauth-authorization-server/tenant/one"});
}

// Whatever the body of the response contains.
BOOST_AUTO_TEST_CASE(falls_back_to_openid_metadata)
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

BOOST_AUTO_TEST_CASE(tries_every_well_known_url_of_an_issuer_with_a_path)
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

BOOST_AUTO_TEST_CASE(reports_the_most_telling_error_if_all_urls_fail)
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

// The other URL has metadata.
BOOST_AUTO_TEST_CASE(tries_the_next_url_after_throttling)
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

BOOST_AUTO_TEST_CASE(ignores_optional_endpoints_that_are_invalid)
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

BOOST_AUTO_TEST_CASE(reads_whether_tokens_are_certificate_bound)
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

BOOST_AUTO_TEST_CASE(refuses_malformed_metadata_and_other_issuers)
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

BOOST_AUTO_TEST_CASE(reads_no_more_than_the_body_limit)
{
    auto server = start();
    server.set_response(response::json(200, std::string(2U << 20U, ' ')));
    BOOST_TEST(outcome(discover(server)) == "response_too_large");
}

BOOST_AUTO_TEST_CASE(refuses_urls_that_are_no_issuer)
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

BOOST_AUTO_TEST_SUITE_END()
