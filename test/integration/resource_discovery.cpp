// Discovery of the authorization server of an API (RFC 9728).

#include "discovery_fixture.hpp"
#include "raw_client.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <future>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(resource_discovery)

namespace
{

using resource_result = coauth::result<coauth::protected_resource>;

constexpr char const* path_document = "/.well-known/oauth-protected-resource/api";
constexpr char const* root_document = "/.well-known/oauth-protected-resource";

coauth::resource_discovery_options trusting_api(authorization_server const& server)
{
    coauth::resource_discovery_options options;
    options.discovery = trusting(server);
    options.discovery.lifetime = 0s;
    return options;
}

resource_result
discover_api(std::string const& url, coauth::resource_discovery_options const& options)
{
    asio::io_context context;
    std::vector<resource_result> results;
    coauth::async_discover_resource(
        context.get_executor(), url, options,
        [&](resource_result r) { results.push_back(std::move(r)); });
    BOOST_TEST(results.empty(), "completed within the initiating function");
    context.run();
    BOOST_REQUIRE_EQUAL(results.size(), 1U);
    return results.front();
}

std::string document(std::string const& resource, std::string const& issuer)
{
    return R"({"resource":")" + resource + R"(","authorization_servers":[")" + issuer + "\"]}";
}

response documented(char const* path, std::string const& resource, std::string const& issuer)
{
    return at(path, response::json(200, document(resource, issuer)));
}

std::string challenge_with(std::string const& metadata_url)
{
    return "Bearer resource_metadata=\"" + metadata_url + "\", scope=\"read\"";
}

} // namespace

BOOST_AUTO_TEST_CASE(leads_from_a_challenge_to_a_call_with_a_token)
{
    auto chosen = options();
    chosen.api_scope = "write";
    auto const server = start(std::move(chosen));
    raw_request request;
    request.method = "GET";
    request.path = "/api";
    auto const challenged = send(server, request);
    BOOST_TEST(challenged.status == 401U);
    auto options = trusting_api(server);
    options.www_authenticate = challenged.header("WWW-Authenticate");
    auto const found = discover_api(server.api_url(), options);
    BOOST_REQUIRE_MESSAGE(found, outcome(found));
    BOOST_TEST(found->resource == server.api_url());
    BOOST_TEST(found->name == "The API of the tests");
    BOOST_TEST(found->challenge_scope == "write");
    BOOST_TEST(found->server.issuer == server.issuer());
    BOOST_TEST(found->server.token_endpoint == server.token_endpoint());
    BOOST_TEST(found->scopes == (std::vector<std::string>{"read", "write"}));
    BOOST_TEST(found->bearer_methods == std::vector<std::string>{"header"});
    BOOST_TEST(!found->dpop_bound_tokens);

    auto config = single_attempt(server);
    config.server = found->server;
    auto const token = require_token(fetch(config, found->request()));
    BOOST_TEST(token.scope() == "write");
    auto const resource = parameter(server.requests().back(), "resource");
    BOOST_TEST(resource.find("%2Fapi") != std::string::npos);
    request.headers = {"Authorization: " + std::string(token.authorization())};
    BOOST_TEST(send(server, request).status == 200U);
}

BOOST_AUTO_TEST_CASE(finds_the_metadata_of_a_url_without_a_challenge)
{
    auto server = start();
    BOOST_TEST(outcome(discover_api(server.api_url(), trusting_api(server))) == "success");
    check_targets(server, {std::string("GET ") + path_document, std::string("GET ") + oauth_path});
}

// An API with many URLs is known by its origin.
BOOST_AUTO_TEST_CASE(falls_back_to_the_metadata_of_the_origin)
{
    auto server = start();
    auto const origin = server.issuer();
    for (std::string const& resource : {origin, origin + "/"})
    {
        server.set_response(documented(root_document, resource, origin));
        auto const found = discover_api(origin + "/v1/messages/17?full=1", trusting_api(server));
        BOOST_REQUIRE_MESSAGE(found, outcome(found));
        BOOST_TEST(found->resource == resource);
    }
    BOOST_TEST(
        targets(server).at(0) == "GET /.well-known/oauth-protected-resource/v1/messages/17?full=1");
}

// Otherwise an API could make the program send it a token for another one.
BOOST_AUTO_TEST_CASE(another_resource_is_refused)
{
    auto server = start();
    auto const origin = server.issuer();
    auto const api = server.api_url();
    for (std::string const& resource :
         {std::string(), origin, api + "/", api + "/x", std::string("https://other.example/api"),
          std::string("https://127.0.0.1/api"), std::string("/api")})
        BOOST_TEST_CONTEXT(resource)
        {
            server.set_response(documented(path_document, resource, origin));
            auto options = trusting_api(server);
            auto const found = discover_api(api, options);
            BOOST_TEST(outcome(found) == "malformed_response");
            BOOST_TEST(found.error().message().find(api) != std::string::npos);
            options.www_authenticate = challenge_with(origin + path_document);
            BOOST_TEST(outcome(discover_api(api, options)) == "malformed_response");
            if (!resource.starts_with("https://"))
                continue;
            // Unless the program knows the API by that name.
            options.expected_resource = resource;
            auto const expected = discover_api(api, options);
            BOOST_REQUIRE_MESSAGE(expected, outcome(expected));
            BOOST_TEST(expected->resource == resource);
        }
}

BOOST_AUTO_TEST_CASE(unusable_metadata_are_errors)
{
    struct row
    {
        std::string name;
        response served;
        std::string expected;
    };
    auto server = start();
    auto const api = server.api_url();
    auto const with = [&api](std::string const& more)
    { return response::json(200, R"({"resource":")" + api + "\"" + more + "}"); };
    response redirect = response::json(302, "");
    redirect.headers.add("Location", server.issuer() + "/elsewhere");
    for (auto const& [name, served, expected] : std::vector<row>{
             {"no server", with(""), "malformed_response"},
             {"an empty list", with(R"(,"authorization_servers":[])"), "malformed_response"},
             {"http", with(R"(,"authorization_servers":["http://a.example"])"),
              "malformed_response"},
             {"no URL", with(R"(,"authorization_servers":["a", ""])"), "malformed_response"},
             {"numbers", with(R"(,"authorization_servers":[1])"), "malformed_response"},
             {"no JSON", response::json(200, "<html>"), "malformed_response"},
             {"a list", response::json(200, "[]"), "malformed_response"},
             {"twice", with(R"(,"resource":"x")"), "malformed_response"},
             {"too large", response::json(200, std::string(2'000'000, ' ')), "response_too_large"},
             {"redirect", redirect, "redirect_refused"},
             {"not found", response::json(404, "{}"), "http_error"}})
        BOOST_TEST_CONTEXT(name)
        {
            server.set_response(at(path_document, served));
            auto options = trusting_api(server);
            options.www_authenticate = challenge_with(server.issuer() + path_document);
            BOOST_TEST(outcome(discover_api(api, options)) == expected);
        }
}

BOOST_AUTO_TEST_CASE(urls_that_are_not_https_are_refused_without_a_request)
{
    auto server = start();
    auto options = trusting_api(server);
    auto const api = server.api_url();
    for (std::string const& url :
         {std::string(), std::string("http://127.0.0.1/api"), std::string("api.example"),
          std::string("https://a@b/"), api + "#part", std::string("Bearer realm=\"x\"")})
        BOOST_TEST(outcome(discover_api(url, options)) == "invalid_configuration", url);
    for (std::string const& url :
         {std::string("http://127.0.0.1/"), std::string("/relative"), std::string("file:///a")})
    {
        options.www_authenticate = challenge_with(url);
        BOOST_TEST(outcome(discover_api(api, options)) == "malformed_response", url);
    }
    options = trusting_api(server);
    options.expected_resource = "http://a.example";
    BOOST_TEST(outcome(discover_api(api, options)) == "invalid_configuration");
    options = trusting_api(server);
    options.discovery.timeout = 0ms;
    BOOST_TEST(outcome(discover_api(api, options)) == "invalid_configuration");
    BOOST_TEST(server.requests().empty());
}

BOOST_AUTO_TEST_CASE(servers_are_tried_in_their_order_and_only_accepted_ones)
{
    auto server = start();
    auto const api = server.api_url();
    auto const issuer = server.issuer();
    auto const listing = [&](std::string const& issuers)
    {
        server.set_response(
            at(path_document, response::json(
                                  200, R"({"resource":")" + api + R"(","authorization_servers":[)" +
                                           issuers + "]}")));
    };
    auto options = trusting_api(server);
    listing("\"" + issuer + "/none\",\"" + issuer + "\"");
    auto const second = discover_api(api, options);
    BOOST_REQUIRE_MESSAGE(second, outcome(second));
    BOOST_TEST(second->server.issuer == issuer);
    BOOST_TEST(second->authorization_servers.size() == 2U);
    // At most three.
    std::string many;
    for (char const c : {'a', 'b', 'c'})
        many += "\"" + issuer + "/" + c + "\",";
    listing(many + "\"" + issuer + "\"");
    BOOST_TEST(!discover_api(api, options).has_value());
    options.accepted_issuers = {issuer};
    BOOST_TEST(outcome(discover_api(api, options)) == "success");
    options.accepted_issuers = {"https://mine.example"};
    auto const none = discover_api(api, options);
    BOOST_TEST(outcome(none) == "invalid_configuration");
    BOOST_TEST(none.error().message().find(issuer + "/a") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_transient_failure_is_repeated)
{
    auto server = start();
    server.push_response(at(path_document, response::json(503, "{}")));
    BOOST_TEST(outcome(discover_api(server.api_url(), trusting_api(server))) == "success");
}

BOOST_AUTO_TEST_CASE(a_cancellation_or_the_deadline_ends_each_step)
{
    for (auto const* const silent : {path_document, oauth_path})
        for (bool const cancels : {true, false})
            BOOST_TEST_CONTEXT(silent << ' ' << cancels)
            {
                auto server = start();
                auto late = response::json(404, "{}");
                late.delay = 60s;
                for (auto const* const path : {silent, root_document, openid_path})
                    server.set_response(at(path, late));
                auto options = trusting_api(server);
                options.discovery.timeout = cancels ? 120'000ms : 300ms;
                asio::io_context context;
                asio::cancellation_signal cancel;
                std::string end;
                coauth::async_discover_resource(
                    context.get_executor(), server.api_url(), options,
                    asio::bind_cancellation_slot(
                        cancel.slot(), [&](resource_result const& r) { end = outcome(r); }));
                stopwatch const watch;
                std::size_t const requests = silent == path_document ? 1 : 2;
                while (end.empty() && watch.elapsed() < 20s)
                {
                    context.run_one_for(5ms);
                    if (cancels && server.requests().size() == requests)
                        cancel.emit(asio::cancellation_type::total);
                }
                BOOST_TEST(end == (cancels ? "cancelled" : "timeout"));
                BOOST_TEST((watch.elapsed() < 15s));
            }
}

BOOST_AUTO_TEST_CASE(an_awaitable_does_the_same)
{
    auto const server = start();
    asio::io_context context;
    auto const options = trusting_api(server);
    auto future = asio::co_spawn(
        context, coauth::async_discover_resource(context.get_executor(), server.api_url(), options),
        asio::use_future);
    auto untrusting = asio::co_spawn(
        context, coauth::async_discover_resource(context.get_executor(), server.api_url()),
        asio::use_future);
    context.run();
    BOOST_TEST(outcome(future.get()) == "success");
    BOOST_TEST(outcome(untrusting.get()) == "certificate_verify_failed");
}

BOOST_AUTO_TEST_CASE(a_destroyed_context_calls_no_handler)
{
    auto server = start();
    bool called = false;
    {
        asio::io_context context;
        coauth::async_discover_resource(
            context.get_executor(), server.api_url(), trusting_api(server),
            [&](resource_result const&) { called = true; });
        context.run_one_for(100ms);
    }
    BOOST_TEST(!called);
}

BOOST_AUTO_TEST_SUITE_END()
