// One token from a healthy server: every TLS version, key type and client authentication, and the
// errors of a healthy server.

#include "fixture.hpp"
#include "server_certificates.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

using namespace test;

BOOST_AUTO_TEST_SUITE(fetch)

using coauth::client_authentication;
using coauth::testing::server_flavor;

namespace
{

std::string header(coauth::testing::received_request const& request, char const* name)
{
    BOOST_TEST_CONTEXT("header " << name)
    BOOST_TEST(request.headers.count(name) <= 1U);
    return std::string(request.headers.find(name).value_or("(none)"));
}

server_options smscx_options()
{
    auto chosen = options();
    chosen.flavor = server_flavor::smscx;
    return chosen;
}

} // namespace

BOOST_AUTO_TEST_CASE(yields_the_token_with_scope_lifetime_and_times)
{
    auto const server = start();
    auto const before = std::chrono::system_clock::now();
    auto const got = test::fetch(server.config());
    auto const after = std::chrono::system_clock::now();

    auto const& token = require_token(got);
    BOOST_TEST(token.value().size() == 40U);
    BOOST_TEST(token.authorization() == "Bearer " + std::string(token.value()));
    BOOST_TEST(token.token_type() == "Bearer");
    BOOST_TEST(token.scope() == "read write");
    BOOST_TEST((token.lifetime() == 3600s));
    BOOST_TEST((token.requested_at() >= before && token.requested_at() <= after));
    BOOST_TEST((token.expires_at() == token.requested_at() + 3600s));
    BOOST_TEST(!token.expired());
    BOOST_TEST(token.http_status() == 200U);
    BOOST_TEST(token.headers().empty());
    BOOST_TEST(server.connections() == 1U);
}

BOOST_AUTO_TEST_CASE(works_over_every_tls_version_and_key_type)
{
    for (int const version : {0x0303, 0x0304})
        for (auto const kind :
             {test::server_certificate::valid, test::server_certificate::valid_rsa})
            BOOST_TEST_CONTEXT("TLS " << version << ", certificate " << static_cast<int>(kind))
            {
                auto chosen = options();
                use_certificate(chosen, kind);
                chosen.min_tls_version = chosen.max_tls_version = version;
                auto const server = start(chosen);
                BOOST_TEST(outcome(test::fetch(server.config())) == "success");
                BOOST_TEST(server.handshakes() == 1U);
            }
}

BOOST_AUTO_TEST_CASE(names_are_sent_as_sni_and_addresses_are_not)
{
    auto const server = start();
    auto config = server.config();
    auto const host_is = [&](std::string const& host)
    { return host + ":" + std::to_string(server.port()); };

    config.server.token_endpoint = server.token_endpoint("localhost");
    BOOST_TEST(outcome(test::fetch(config)) == "success");
    BOOST_TEST(server.server_name() == "localhost");
    BOOST_TEST(header(server.requests().back(), "Host") == host_is("localhost"));

    config.server.token_endpoint = server.token_endpoint("127.0.0.1");
    BOOST_TEST(outcome(test::fetch(config)) == "success");
    BOOST_TEST(server.server_name() == "");
    BOOST_TEST(header(server.requests().back(), "Host") == host_is("127.0.0.1"));
}

BOOST_AUTO_TEST_CASE(reaches_a_server_at_an_ipv6_address)
{
    auto chosen = options();
    chosen.address = "::1";
    auto const server = authorization_server::start(chosen);
    if (!server)
    {
        BOOST_TEST_MESSAGE("no IPv6 here: " << server.error());
        return;
    }
    BOOST_TEST(outcome(test::fetch(server->config())) == "success");
    BOOST_TEST(server->server_name() == "");
    BOOST_TEST(
        header(server->requests().back(), "Host") == "[::1]:" + std::to_string(server->port()));
}

BOOST_AUTO_TEST_CASE(sends_exactly_one_well_formed_request)
{
    auto const server = start();
    require_token(test::fetch(server.config()));

    BOOST_REQUIRE_EQUAL(server.requests().size(), 1U);
    auto const request = server.requests().front();
    BOOST_TEST(request.bytes.starts_with("POST /oauth/token HTTP/1.1\r\n"));
    BOOST_TEST(request.body == "grant_type=client_credentials");
    BOOST_TEST(header(request, "Content-Type") == "application/x-www-form-urlencoded");
    BOOST_TEST(header(request, "Content-Length") == std::to_string(request.body.size()));
    BOOST_TEST(header(request, "Accept") == "application/json");
    BOOST_TEST(header(request, "Accept-Encoding") == "identity");
    BOOST_TEST(header(request, "User-Agent") == "coauth/" COAUTH_VERSION_STRING);
    BOOST_TEST(header(request, "Authorization") == "Basic " + std::string(basic_value));
    for (auto const* const unwanted :
         {"Transfer-Encoding", "TE", "Trailer", "Expect", "Upgrade", "Cookie"})
        BOOST_TEST(header(request, unwanted) == "(none)", unwanted);
    BOOST_TEST(server.bytes_received() == request.bytes.size());
}

BOOST_AUTO_TEST_CASE(without_a_user_agent_none_is_sent)
{
    auto const server = start();
    auto config = server.config();
    config.user_agent.clear();
    require_token(test::fetch(config));
    BOOST_TEST(header(server.requests().front(), "User-Agent") == "(none)");
}

BOOST_AUTO_TEST_CASE(unencoded_basic_sends_the_credentials_unchanged)
{
    auto const server = start(smscx_options());
    auto config = server.config();
    config.authentication =
        client_authentication::client_secret_basic_unencoded(client_id, client_secret);
    require_token(test::fetch(config));
    BOOST_TEST(
        header(server.requests().front(), "Authorization") ==
        "Basic " + std::string(raw_basic_value));
}

BOOST_AUTO_TEST_CASE(post_sends_the_credentials_in_the_body)
{
    auto const server = start();
    auto config = server.config();
    config.authentication = client_authentication::client_secret_post(client_id, client_secret);
    require_token(test::fetch(config));

    auto const request = server.requests().front();
    BOOST_TEST(header(request, "Authorization") == "(none)");
    BOOST_TEST(request.body.find("client_id=app%2B1%252F%26%3D%22%C3%A9") != std::string::npos);
    BOOST_TEST(
        request.body.find("client_secret=p%3AS+3%2Bcr%2F%25t%26%3D%C3%BC%7E") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_public_client_sends_only_its_client_id)
{
    auto chosen = options();
    chosen.client_secret.clear();
    auto const server = start(chosen);
    auto config = server.config();
    config.authentication = client_authentication::none("public");
    BOOST_TEST(outcome(test::fetch(config)) == "invalid_client");
    BOOST_TEST(server.requests().front().body == "grant_type=client_credentials&client_id=public");
}

BOOST_AUTO_TEST_CASE(scope_resource_audience_and_parameters_are_in_the_form)
{
    auto const server = start();
    auto const request = coauth::token_request()
                             .scope("read write")
                             .resource("https://a.example/x?y=1")
                             .resource("https://b.example/")
                             .audience("who & what")
                             .parameter("tenant", "\xC3\xA9t\xC3\xA9");
    auto const got = test::fetch(server.config(), request);
    BOOST_TEST(require_token(got).scope() == "read write");

    auto const body = "&" + server.requests().front().body + "&";
    for (auto const* const part :
         {"&grant_type=client_credentials&", "&scope=read+write&",
          "&resource=https%3A%2F%2Fa.example%2Fx%3Fy%3D1&", "&resource=https%3A%2F%2Fb.example%2F&",
          "&audience=who+%26+what&", "&tenant=%C3%A9t%C3%A9&"})
        BOOST_TEST(body.find(part) != std::string::npos, part << " is not in " << body);
}

BOOST_AUTO_TEST_CASE(wrong_credentials_and_scopes_are_typed_errors)
{
    auto const server = start();
    auto wrong_secret = server.config();
    wrong_secret.authentication =
        client_authentication::client_secret_basic(client_id, "another secret");
    auto const refused = test::fetch(wrong_secret);
    BOOST_REQUIRE_EQUAL(outcome(refused), "invalid_client");
    BOOST_TEST(refused.error().http_status() == 401U);
    BOOST_TEST(refused.error().oauth_error() == "invalid_client");
    BOOST_TEST(refused.error().description() == "Client authentication failed.");
    BOOST_TEST(refused.error().attempts() == 1U);
    BOOST_TEST(!refused.error().transient());
    check_no_secret(refused, "another secret");

    auto const unknown = test::fetch(server.config(), coauth::token_request().scope("read admin"));
    BOOST_REQUIRE_EQUAL(outcome(unknown), "invalid_scope");
    BOOST_TEST(unknown.error().http_status() == 400U);
}

BOOST_AUTO_TEST_CASE(a_429_reports_when_to_retry)
{
    auto server = start();
    auto slow_down = response::json(429, "{}");
    slow_down.headers.add("Retry-After", "120");
    server.push_response(slow_down);
    auto const before = std::chrono::system_clock::now();
    auto const got = test::fetch(server.config());
    auto const after = std::chrono::system_clock::now();
    BOOST_REQUIRE_EQUAL(outcome(got), "rate_limited");
    BOOST_REQUIRE(got.error().retry_at());
    BOOST_TEST((*got.error().retry_at() >= before + 119s));
    BOOST_TEST((*got.error().retry_at() <= after + 121s));
    BOOST_TEST(got.error().transient());
    BOOST_TEST(server.requests().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_token_comes_with_status_200_201_or_203)
{
    auto server = start();
    for (unsigned const status : {200U, 201U, 203U})
        BOOST_TEST_CONTEXT(status)
        {
            server.push_response(response::json(status, token_body));
            auto const got = test::fetch(server.config());
            BOOST_TEST(require_token(got).http_status() == status);
        }
    for (unsigned const status : {202U, 205U, 206U, 207U, 226U, 299U})
        BOOST_TEST_CONTEXT(status)
        {
            server.push_response(response::json(status, token_body));
            BOOST_TEST(outcome(test::fetch(server.config())) == "malformed_response");
            server.push_response(response::json(status, R"({"error":"invalid_scope"})"));
            BOOST_TEST(outcome(test::fetch(server.config())) == "invalid_scope");
        }
    response empty;
    empty.status = 204;
    server.push_response(empty);
    BOOST_TEST(outcome(test::fetch(server.config())) == "malformed_response");
}

BOOST_AUTO_TEST_CASE(headers_are_kept_on_request)
{
    auto server = start(smscx_options());
    auto config = server.config();
    config.keep_headers = true;

    auto const got = test::fetch(config);
    auto const& headers = require_token(got).headers();
    BOOST_TEST(headers.find("x-request-id").value_or("").size() == 20U);
    BOOST_TEST(headers.find("X-RATE-LIMIT-REMAINING").value_or("") == "99");

    server.push_response(response::json(401, R"({"error":{"type":"invalid_client"}})"));
    auto const failed = test::fetch(config);
    BOOST_REQUIRE(!failed);
    BOOST_TEST(failed.error().headers().find("cache-control").value_or("") == "no-store");
}

BOOST_AUTO_TEST_CASE(debug_text_shows_the_exchange_and_no_secret)
{
    auto const server = start();
    for (bool const in_body : {false, true})
    {
        std::string text;
        auto config = server.config();
        if (in_body)
            config.authentication =
                client_authentication::client_secret_post(client_id, client_secret);
        config.debug = [&text](std::string_view part) { text += part; };
        auto const got = test::fetch(config, coauth::token_request().scope("read"));

        BOOST_TEST(text.find("POST /oauth/token") != std::string::npos);
        BOOST_TEST(text.find("grant_type=client_credentials") != std::string::npos);
        BOOST_TEST(text.find("200") != std::string::npos);
        auto const token = std::string(require_token(got).value());
        for (auto const& hidden :
             {token, std::string(client_secret), std::string(basic_value),
              std::string("p%3AS+3%2Bcr%2F%25t%26%3D%C3%BC%7E")})
            BOOST_TEST(text.find(hidden) == std::string::npos, hidden << " is in " << text);
    }
}

BOOST_AUTO_TEST_CASE(a_debug_function_that_throws_does_no_harm)
{
    auto const server = start();
    auto config = server.config();
    config.debug = [](std::string_view) { throw std::runtime_error("the disk is full"); };
    BOOST_TEST(outcome(test::fetch(config)) == "success");
}

BOOST_AUTO_TEST_CASE(the_observer_sees_every_phase_in_order)
{
    struct recorder : coauth::observer
    {
        void on_phase_ended(coauth::phase_ended const& event) override
        {
            seen += std::string(coauth::to_string(event.phase)) + (event.failure ? "! " : " ");
            throw 1;
        }
        std::string seen;
    };
    auto server = start();
    auto config = server.config();
    auto const watching = std::make_shared<recorder>();
    config.observer = watching;
    require_token(test::fetch(config));
    BOOST_TEST(watching->seen == "lookup connect tls request response ");

    watching->seen.clear();
    server.push_response(response::bytes("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"));
    test::fetch(config);
    BOOST_TEST(watching->seen == "lookup connect tls request response! ");
}

BOOST_AUTO_TEST_CASE(a_single_call_needs_no_client)
{
    auto const server = start();
    boost::asio::io_context context;
    std::optional<token_result> got;
    {
        auto const config = server.config();
        coauth::async_get_access_token(
            context.get_executor(), config, coauth::token_request().scope("write"),
            [&](token_result r) { got = std::move(r); });
    }
    context.run();
    BOOST_REQUIRE(got);
    BOOST_TEST(require_token(*got).scope() == "write");
}

BOOST_AUTO_TEST_CASE(a_refused_connection_is_reported_as_such)
{
    auto server = start();
    auto const config = server.config();
    {
        auto const gone = std::move(server);
    }
    auto const got = test::fetch(config);
    BOOST_REQUIRE_EQUAL(outcome(got), "connect_failed");
    BOOST_TEST(got.error().cause() == boost::system::errc::connection_refused);
    BOOST_TEST(got.error().attempts() == 1U);
    BOOST_TEST(got.error().transient());
}

BOOST_AUTO_TEST_CASE(a_name_without_address_is_reported_as_such)
{
    auto const server = start();
    auto config = server.config();
    config.server.token_endpoint = "https://no-such-host.invalid/token";
    BOOST_TEST(outcome(test::fetch(config)) == "resolve_failed");
}

BOOST_AUTO_TEST_CASE(a_context_is_accepted_for_its_executor)
{
    auto const server = start();
    boost::asio::thread_pool pool(1);
    coauth::client client(pool, with_log_scan(server.config()));
    BOOST_TEST(outcome(client.async_get_access_token(boost::asio::use_future).get()) == "success");
    BOOST_TEST(server.requests().size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
