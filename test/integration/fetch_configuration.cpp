// Invalid requests and configurations are refused before a connection is opened.

#include "fixture.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace test;

BOOST_AUTO_TEST_SUITE(fetch_configuration)

using coauth::client_authentication;

BOOST_AUTO_TEST_CASE(an_invalid_parameter_opens_no_connection)
{
    auto const server = start();
    for (auto const& request :
         {coauth::token_request().parameter("grant_type", "password"),
          coauth::token_request().parameter("client_secret", "x"),
          coauth::token_request().parameter("", "x"), coauth::token_request().scope("a\r\nb"),
          coauth::token_request().scope("a\"b"), coauth::token_request().resource("not absolute")})
        BOOST_TEST(outcome(test::fetch(server.config(), request)) == "invalid_parameter");
    BOOST_TEST(server.connections() == 0U);
}

BOOST_AUTO_TEST_CASE(plain_http_needs_the_loopback_option)
{
    auto chosen = options();
    chosen.tls = false;
    auto const server = start(chosen);
    auto config = server.config();
    BOOST_TEST(outcome(test::fetch(config)) == "success");

    config.allow_http_loopback = false;
    BOOST_TEST(outcome(test::fetch(config)) == "invalid_configuration");
    BOOST_TEST(server.connections() == 1U);
}

BOOST_AUTO_TEST_CASE(a_faulty_configuration_opens_no_connection)
{
    auto const server = start();
    auto const good = server.config();
    std::vector<std::pair<char const*, coauth::client_config>> rows;
    auto const row = [&](char const* name) -> coauth::client_config&
    { return rows.emplace_back(name, good).second; };
    auto const endpoint = [&](char const* name, std::string const& url)
    { row(name).server.token_endpoint = url; };
    auto const port = std::to_string(server.port());

    endpoint("no endpoint", "");
    endpoint("relative", "/oauth/token");
    endpoint("http", "http://127.0.0.1:" + port + "/oauth/token");
    endpoint("user info", "https://u:p@127.0.0.1:" + port + "/oauth/token");
    endpoint("fragment", "https://127.0.0.1:" + port + "/oauth/token#x");
    endpoint("space", "https://127.0.0.1:" + port + "/oauth/to ken");
    endpoint("line break", "https://127.0.0.1:" + port + "/oauth/token\r\nX: y");
    endpoint("bad port", "https://127.0.0.1:99999/oauth/token");
    endpoint("other scheme", "ftp://127.0.0.1:" + port + "/oauth/token");
    row("no authentication").authentication = {};
    row("colon in a raw id").authentication =
        client_authentication::client_secret_basic_unencoded("a:b", "c");
    row("line break in a raw secret").authentication =
        client_authentication::client_secret_basic_unencoded("a", "b\r\nc");
    row("no such CA file").tls.ca_file = "/no/such/file.pem";
    row("CA text that is none").tls.ca_pem = "not PEM";
    row("CRL text that is none").tls.crl_pem = "not PEM";
    row("no time").timeout = 0ms;
    row("too much time").timeout = 2h;
    row("header limit").limits.header = 100;
    row("body limit").limits.body = 10;
    row("user agent").user_agent = "a\r\nX: y";
    row("proxy without a scheme").proxy.url = "proxy:3128";

    for (auto const& [name, config] : rows)
        BOOST_TEST_CONTEXT(name)
        {
            auto const got = test::fetch(config);
            BOOST_TEST(outcome(got) == "invalid_configuration");
            BOOST_TEST((got || !got.error().message().empty()));
            check_no_secret(got);

            boost::asio::io_context context;
            coauth::client const client(context.get_executor(), config);
            BOOST_TEST(client.validate().has_error());
            BOOST_TEST(coauth::validate(config).has_error());
        }
    BOOST_TEST(server.connections() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
