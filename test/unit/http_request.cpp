#include "protocol/http_request.hpp"

#include <coauth/smscx.hpp>

#include "protocol/config_validation.hpp"
#include "support.hpp"

using namespace test;

BOOST_AUTO_TEST_SUITE(http_request)

using coauth::client_authentication;
using coauth::client_config;
using coauth::token_request;

namespace
{

coauth::result<coauth::secret>
build(client_config const& configuration, token_request const& request)
{
    auto const endpoint = coauth::protocol::check_config(configuration);
    BOOST_TEST_REQUIRE(endpoint.has_value());
    return build_token_request(configuration, *endpoint, request);
}

std::string wire(client_config const& configuration, token_request const& request = token_request())
{
    auto const built = build(configuration, request);
    BOOST_TEST_REQUIRE(outcome(built) == "success");
    return text(*built);
}

std::string body(std::string const& whole)
{
    return whole.substr(whole.find("\r\n\r\n") + 4);
}

std::string head(std::string const& whole)
{
    return whole.substr(0, whole.find("\r\n\r\n") + 4);
}

} // namespace

BOOST_AUTO_TEST_CASE(the_request_to_smscx_is_complete)
{
    auto const configuration = coauth::smscx::config("my app", coauth::secret("a+b/c"));
    BOOST_TEST(
        wire(configuration, token_request().scope("sms groups")) ==
        "POST /oauth/token HTTP/1.1\r\n"
        "Host: api.sms.cx\r\n"
        "User-Agent: coauth/" COAUTH_VERSION_STRING "\r\n"
        "Accept: application/json\r\n"
        "Accept-Encoding: identity\r\n"
        "Authorization: Basic bXkgYXBwOmErYi9j\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        "Content-Length: 46\r\n"
        "\r\n"
        "grant_type=client_credentials&scope=sms+groups");
}

BOOST_AUTO_TEST_CASE(the_request_example_of_rfc_6749_matches)
{
    // Section 4.4.2.
    auto configuration = config();
    configuration.server.token_endpoint = "https://server.example.com/token";
    configuration.authentication =
        client_authentication::client_secret_basic("s6BhdRkqt3", coauth::secret("gX1fBat3bV"));
    auto const sent = wire(configuration);
    check_contains(sent, "POST /token HTTP/1.1\r\nHost: server.example.com\r\n");
    check_contains(sent, "\r\nAuthorization: Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW\r\n");
    BOOST_TEST(body(sent) == "grant_type=client_credentials");
}

BOOST_AUTO_TEST_CASE(each_client_authentication_has_its_fields_and_parameters)
{
    using auth = client_authentication;
    struct row
    {
        char const* name;
        auth authentication;
        std::string field;
        std::string body;
    };
    coauth::secret const password(client_secret);
    std::string const in_body = "&client_id=app%2B1%252F%26%3D%22%C3%A9";
    for (auto const& row : std::vector<row>{
             {"basic", auth::client_secret_basic(client_id, password),
              "Authorization: Basic "s + basic_value + "\r\n", ""},
             {"raw basic", auth::client_secret_basic_unencoded(client_id, password),
              "Authorization: Basic "s + raw_basic_value + "\r\n", ""},
             {"post", auth::client_secret_post(client_id, password), "",
              in_body + "&client_secret=p%3AS+3%2Bcr%2F%25t%26%3D%C3%BC%7E"},
             {"none", auth::none(client_id), "", in_body},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            auto configuration = config();
            configuration.authentication = row.authentication;
            auto const sent = wire(configuration);
            BOOST_TEST(contains(head(sent), "Authorization") == !row.field.empty());
            check_contains(head(sent), row.field);
            BOOST_TEST(body(sent) == "grant_type=client_credentials" + row.body);
        }
}

BOOST_AUTO_TEST_CASE(all_parameters_are_in_the_body)
{
    struct row
    {
        char const* name;
        token_request request;
        char const* body;
    };
    for (auto const& row : std::vector<row>{
             {"nothing", token_request(), ""},
             {"empty scope is none", token_request().scope(""), ""},
             {"scope", token_request().scope("a:b c!"), "&scope=a%3Ab+c%21"},
             {"resources", token_request().resource("https://a/?b=c&d").resource("urn:x"),
              "&resource=https%3A%2F%2Fa%2F%3Fb%3Dc%26d&resource=urn%3Ax"},
             {"resource of an unusual scheme", token_request().resource("A1+b-c.d:e"),
              "&resource=A1%2Bb-c.d%3Ae"},
             {"audience", token_request().audience("https://api/"),
              "&audience=https%3A%2F%2Fapi%2F"},
             {"further ones, repeated, in order",
              token_request().parameter("z", "1").parameter("a&b", "=").parameter("z", ""),
              "&z=1&a%26b=%3D&z="},
             {"UTF-8", token_request().parameter("n\xC3\xA4me", "\xE2\x82\xAC"),
              "&n%C3%A4me=%E2%82%AC"},
             {"all", token_request().parameter("x", "y").audience("au").resource("r:s").scope("s"),
              "&scope=s&resource=r%3As&audience=au&x=y"},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            auto const sent = wire(config(), row.request);
            BOOST_TEST(body(sent) == "grant_type=client_credentials"s + row.body);
            check_contains(
                head(sent), "\r\nContent-Length: " + std::to_string(body(sent).size()) + "\r\n");
        }
}

BOOST_AUTO_TEST_CASE(invalid_parameters_are_rejected)
{
    struct row
    {
        char const* name;
        token_request request;
        char const* message;
    };
    for (auto const& row : std::vector<row>{
             {"leading space", token_request().scope(" a"),
              "scope has a leading, trailing or double space"},
             {"trailing space", token_request().scope("a "),
              "scope has a leading, trailing or double space"},
             {"only a space", token_request().scope(" "),
              "scope has a leading, trailing or double space"},
             {"two spaces", token_request().scope("a  b"), "double space"},
             {"quote", token_request().scope("a\"b"), "scope contains a character"},
             {"backslash", token_request().scope("a\\b"), "scope contains a character"},
             {"line break", token_request().scope("a\r\nX: y"), "scope contains a character"},
             {"tab", token_request().scope("a\tb"), "scope contains a character"},
             {"NUL", token_request().scope("a\0b"s), "scope contains a character"},
             {"non-ASCII", token_request().scope("\xC3\xA9"), "scope contains a character"},
             {"relative resource", token_request().resource("/api"), "not an absolute URI"},
             {"empty resource", token_request().resource(""), "not an absolute URI"},
             {"no scheme", token_request().resource("://x"), "not an absolute URI"},
             {"space in a resource", token_request().resource("https://a b"),
              "not an absolute URI"},
             {"fragment", token_request().resource("https://a#b"), "contains a fragment"},
             {"audience", token_request().audience("a\nb"), "audience contains a control"},
             {"no name", token_request().parameter("", "v"), "empty name"},
             {"control in a name", token_request().parameter("a\r\n", "v"), "control character"},
             {"control in a value", token_request().parameter("a", "v\0"s), "control character"},
             {"odd scheme", token_request().resource("h_s://a"), "not an absolute URI"},
             {"line break in a resource", token_request().resource("urn:a\n"),
              "not an absolute URI"},
             {"first of two faults",
              token_request().resource("a").resource("b:c").parameter("", ""),
              "not an absolute URI"},
             {"grant after a fault", token_request::refresh_token(coauth::secret("r")).scope(" "),
              "scope has a leading, trailing or double space"},
             {"second fault", token_request().scope("ok").parameter("a", "b").parameter("", "c"),
              "empty name"},
             {"long", token_request().parameter("a", std::string(70'000, 'x')),
              "it may be at most 65536"},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            auto const built = build(config(), row.request);
            BOOST_TEST_REQUIRE(outcome(built) == "invalid_parameter");
            check_contains(built.error().message(), row.message);
            check_lacks(built.error().message(), client_secret);
        }
}

BOOST_AUTO_TEST_CASE(reserved_parameters_are_rejected)
{
    for (auto const* name :
         {"grant_type", "scope", "resource", "audience", "client_id", "client_secret",
          "client_assertion", "client_assertion_type"})
        BOOST_TEST_CONTEXT(name)
        {
            auto const built = build(config(), token_request().parameter(name, "private-value"));
            BOOST_TEST_REQUIRE(outcome(built) == "invalid_parameter");
            check_contains(built.error().message(), "'"s + name + "' is reserved");
            check_lacks(built.error().message(), "private-value");
        }
}

BOOST_AUTO_TEST_CASE(the_user_agent_is_configurable)
{
    auto configuration = config();
    configuration.user_agent = "my-app/1.0 (+https://my.example)";
    check_contains(wire(configuration), "\r\nUser-Agent: my-app/1.0 (+https://my.example)\r\n");
    configuration.user_agent.clear();
    check_lacks(wire(configuration), "User-Agent");
}

BOOST_AUTO_TEST_CASE(host_and_target_are_those_of_the_url)
{
    auto configuration = config();
    configuration.server.token_endpoint = "https://[2001:db8::1]:8443/t?tenant=a%20b";
    check_contains(
        wire(configuration), "POST /t?tenant=a%20b HTTP/1.1\r\nHost: [2001:db8::1]:8443\r\n");
}

BOOST_AUTO_TEST_CASE(header_fields_of_client_and_request_are_sent)
{
    auto configuration = config();
    configuration.headers = {{"x-api-key", "k-1"}, {"X-Tenant", "blue"}};
    auto const request = token_request()
                             .header("traceparent", "00-1-2-01")
                             .header("x-tenant", "green")
                             .header("Traceparent", "00-3-4-01");
    auto const endpoint = coauth::protocol::check_config(configuration);
    auto const form = coauth::protocol::token_request_form(request);
    BOOST_TEST_REQUIRE(outcome(form) == "success");
    auto const sent = head(text(*coauth::protocol::build_form_request(
        configuration, configuration.authentication, *endpoint, *form, {},
        {.own = request.headers()})));
    check_contains(
        sent, "\r\nAccept-Encoding: identity\r\nx-api-key: k-1\r\ntraceparent: 00-3-4-01\r\n"
              "x-tenant: green\r\nAuthorization: ");
    check_lacks(sent, "blue");
    check_lacks(sent, "00-1-2-01");
    check_contains(
        text(coauth::protocol::build_get_request(configuration, *endpoint)),
        "\r\nx-api-key: k-1\r\nX-Tenant: blue\r\n");
}

BOOST_AUTO_TEST_CASE(invalid_header_fields_of_a_request_are_rejected)
{
    for (auto const& [name, value] : std::vector<std::pair<char const*, char const*>>{
             {"Host", "private-value"},
             {"x-key", "private-value\n"},
             {"x-key: private-value", "x"},
             {"x-key\r\nx", "private-value"},
             {"", "private-value"},
             {"x-key", nullptr}})
    {
        auto const built = build(config(), token_request().header(name, value));
        BOOST_TEST(outcome(built) == "invalid_parameter");
        check_lacks(built.error().message(), "private-value");
    }
}

BOOST_AUTO_TEST_CASE(a_bearer_token_takes_the_place_of_the_credentials)
{
    auto configuration = config();
    configuration.authentication =
        client_authentication::bearer_token({}).with_secret(coauth::secret("t0k.en"));
    auto const sent = wire(configuration);
    check_contains(sent, "\r\nAuthorization: Bearer t0k.en\r\n");
    BOOST_TEST(body(sent) == "grant_type=client_credentials");
}

BOOST_AUTO_TEST_CASE(the_client_id_is_in_the_body_where_it_is_wanted)
{
    auto configuration = config();
    for (auto const encoded : {true, false})
    {
        auto const basic = encoded
                               ? client_authentication::client_secret_basic("id", "s")
                               : client_authentication::client_secret_basic_unencoded("id", "s");
        configuration.authentication = basic.with_client_id_in_body();
        auto const sent = wire(configuration);
        check_contains(sent, "\r\nAuthorization: Basic aWQ6cw==\r\n");
        BOOST_TEST(body(sent) == "grant_type=client_credentials&client_id=id");
        configuration.authentication = basic;
        BOOST_TEST(body(wire(configuration)) == "grant_type=client_credentials");
    }
    configuration.authentication = client_authentication::client_secret_post("id", "s");
    auto const posted = body(wire(configuration));
    configuration.authentication = configuration.authentication.with_client_id_in_body();
    BOOST_TEST(body(wire(configuration)) == posted);
    configuration.authentication = client_authentication::client_secret_post("", "s");
    BOOST_TEST(body(wire(configuration)) == "grant_type=client_credentials&client_secret=s");
}

BOOST_AUTO_TEST_SUITE_END()
