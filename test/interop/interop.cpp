// Tokens from authorization servers of other projects: npm's oidc-provider and oauth2-server, as
// server.mjs configures them. Every row of the table is a test case; run.sh starts the server and
// passes its address.

#define BOOST_TEST_NO_MAIN
#define BOOST_TEST_ALTERNATIVE_INIT_API
#include <coauth/coauth.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace
{

using namespace std::chrono_literals;
using coauth::client_authentication;
using coauth::token_request;
using token_result = coauth::result<coauth::access_token>;

// The server's URL (https://address:port), and the directory of its ca.pem and an other-ca.pem.
std::string server_url;
std::string tls_directory;

// The expected outcome, "token" or the name of the error, and its properties.
struct expectation
{
    std::string outcome;

    std::string scope = {};
    std::chrono::seconds lifetime{};
    bool jwt = false;

    unsigned http_status = 0;
    std::string oauth_error = {};
};

expectation token(std::string scope, std::chrono::seconds lifetime = 600s)
{
    return {.outcome = "token", .scope = std::move(scope), .lifetime = lifetime};
}

expectation jwt(std::string scope, std::chrono::seconds lifetime)
{
    auto expected = token(std::move(scope), lifetime);
    expected.jwt = true;
    return expected;
}

// An OAuth error of the server, by default with the error code of the same name.
expectation refused(unsigned http_status, std::string oauth_error, std::string outcome = {})
{
    if (outcome.empty())
        outcome = oauth_error;
    return {
        .outcome = std::move(outcome),
        .http_status = http_status,
        .oauth_error = std::move(oauth_error)};
}

// An error without an OAuth error code; status 0: without a response.
expectation failed(std::string outcome, unsigned http_status = 0)
{
    return {.outcome = std::move(outcome), .http_status = http_status};
}

struct row
{
    std::string name;
    client_authentication authentication;
    token_request request;
    expectation expected;
    std::string host = "127.0.0.1";
    std::string path = "/token";
    std::string ca = "ca.pem";
};

using with_secret = client_authentication (*)(coauth::detail::text_argument, coauth::secret);
with_secret const basic = client_authentication::client_secret_basic;
with_secret const raw = client_authentication::client_secret_basic_unencoded;
with_secret const post = client_authentication::client_secret_post;
auto const none = client_authentication::none;

token_request anything()
{
    return {};
}

token_request scope(std::string words)
{
    return token_request().scope(std::move(words));
}

token_request resource(std::string uri)
{
    return token_request().resource(std::move(uri));
}

token_request account(std::string grant)
{
    return token_request::grant(std::move(grant)).parameter("account_id", "a&1");
}

// Credentials with the characters that encodings treat differently.
std::string const id = "id:with+%/ &=?#\"~*";
std::string const secret = "s:e+c%72/e&t =?#\"~*\\";
std::string const long_secret(2000, 's');

std::string const jwt_resource = "https://jwt.example/api?v=1&x=a+b";
std::string const opaque_resource = "https://opaque.example/";

// A row for the second server.
row at_oauth2_server(
    std::string name, client_authentication authentication, token_request request,
    expectation expected)
{
    return {
        "oauth2_server_" + std::move(name),
        std::move(authentication),
        std::move(request),
        std::move(expected),
        "127.0.0.1",
        "/oauth2-server/token"};
}

// clang-format off
std::vector<row> const rows = {
    // The secret in the Authorization field.
    {"basic",                      basic("basic", "basic-secret"),  scope("read write"), token("read write")},
    {"basic_wrong_secret",         basic("basic", "other"),         anything(), refused(401, "invalid_client")},
    {"basic_secret_of_another",    basic("basic", "post-secret"),   anything(), refused(401, "invalid_client")},
    {"basic_unknown_client",       basic("nobody", "basic-secret"), anything(), refused(401, "invalid_client")},
    {"basic_empty_secret",         basic("basic", ""),              anything(), failed("invalid_configuration")},
    {"basic_special_characters",   basic(id, secret),               scope("read"), token("read")},
    {"basic_special_wrong_secret", basic(id, secret + "+"),         anything(), refused(401, "invalid_client")},
    {"basic_plus",                 basic("plus+id", "plus+secret"), anything(), token("")},
    {"basic_long_secret",          basic("long", long_secret),      anything(), token("")},
    {"basic_not_ascii",            basic("b\xC3\xA9", "s"),         anything(), refused(400, "invalid_request")},
    {"basic_at_a_post_client",     basic("post", "post-secret"),    anything(), token("")},

    // This server decodes Basic credentials, so unencoded ones work only if decoding changes nothing.
    {"unencoded_basic",                        raw("basic", "basic-secret"),    scope("read"), token("read")},
    {"unencoded_basic_wrong_secret",           raw("basic", "other"),           anything(), refused(401, "invalid_client")},
    {"unencoded_basic_plus",                   raw("plus+id", "plus+secret"),   anything(), refused(401, "invalid_client")},
    {"unencoded_basic_percent",                raw("basic", "100%"),            anything(), refused(400, "invalid_request")},
    {"unencoded_basic_colon_in_id",            raw(id, secret),                 anything(), failed("invalid_configuration")},

    {"basic_and_client_id_in_the_body",        basic("basic", "basic-secret").with_client_id_in_body(), anything(), token("")},

    // The secret in the body.
    {"post",                       post("post", "post-secret"),     scope("read write"), token("read write")},
    {"post_wrong_secret",          post("post", "other"),           anything(), refused(401, "invalid_client")},
    {"post_unknown_client",        post("nobody", "post-secret"),   anything(), refused(401, "invalid_client")},
    {"post_special_characters",    post(id, secret),                scope("read"), token("read")},
    {"post_special_wrong_secret",  post(id, secret + "+"),          anything(), refused(401, "invalid_client")},
    {"post_long_secret",           post("long", long_secret),       anything(), token("")},
    {"post_not_ascii",             post("b\xC3\xA9", "s"),          anything(), refused(401, "invalid_client")},
    {"post_at_a_basic_client",     post("basic", "basic-secret"),   anything(), token("")},

    // No secret, and methods for which the client is not registered.
    {"none",                       none("public"),                  scope("read"), token("read")},
    {"none_unknown_client",        none("nobody"),                  anything(), refused(401, "invalid_client")},
    {"none_at_a_basic_client",     none("basic"),                   anything(), refused(401, "invalid_client")},
    {"basic_at_a_public_client",   basic("public", "s"),            anything(), refused(401, "invalid_client")},
    {"basic_at_an_assertion_client", basic("assertion", "s"),       anything(), refused(401, "invalid_client")},
    {"post_at_an_assertion_client", post("assertion", "s"),         anything(), refused(401, "invalid_client")},

    // Requests that the server does not allow the client.
    {"secret_expired",             basic("expired", "expired-secret"), anything(), refused(400, "invalid_client")},
    {"other_grant",                basic("other-grant", "other-grant-secret"), anything(), refused(400, "invalid_request")},
    {"dpop_required",              basic("dpop", "dpop-secret"),    anything(), refused(400, "invalid_grant")},
    {"certificate_required",       basic("certificate-bound", "certificate-bound-secret"), anything(), refused(400, "invalid_grant")},

    // Scopes. The server ignores unknown scopes and returns the granted ones, if any. No scope in the
    // response means that all were granted (RFC 6749 section 5.1).
    {"scope_none",                 basic("basic", "basic-secret"),  anything(), token("")},
    {"scope_one",                  basic("basic", "basic-secret"),  scope("write"), token("write")},
    {"scope_subset",               basic("basic", "basic-secret"),  scope("read unknown"), token("read")},
    {"scope_unknown",              basic("basic", "basic-secret"),  scope("unknown"), token("unknown")},
    {"scope_of_client",            basic("reader", "reader-secret"), scope("read"), token("read")},
    {"scope_not_of_client",        basic("reader", "reader-secret"), scope("read write"), refused(400, "invalid_scope")},
    {"scope_malformed",            basic("basic", "basic-secret"),  scope("read \\"), failed("invalid_parameter")},

    // Resources, RFC 8707.
    {"resource",                   basic("basic", "basic-secret"),  resource(opaque_resource), token("", 120s)},
    {"resource_scope",             basic("basic", "basic-secret"),  resource(opaque_resource).scope("read write"), token("read write", 120s)},
    {"resource_jwt",               post("post", "post-secret"),     resource(jwt_resource).scope("read"), jwt("read", 300s)},
    {"resource_scope_subset",      basic("basic", "basic-secret"),  resource(jwt_resource).scope("read write"), jwt("read", 300s)},
    {"resource_unknown",           basic("basic", "basic-secret"),  resource("https://unknown.example/"), refused(400, "invalid_target")},
    {"resource_one_unknown",       basic("basic", "basic-secret"),  resource(opaque_resource).resource("https://unknown.example/"), refused(400, "invalid_target")},
    {"resource_two",               basic("basic", "basic-secret"),  resource(opaque_resource).resource(jwt_resource), refused(400, "invalid_target")},
    {"resource_server_broken",     basic("basic", "basic-secret"),  resource("https://broken.example/"), refused(500, "server_error")},

    // Extension grants. This one repeats the audiences in the scope.
    {"extension_grant",            basic("extension", "extension-secret"), account("account_credentials"), token("")},
    {"extension_grant_audience",   basic("extension", "extension-secret"), account("account_credentials").audience("https://a.example"), token("https://a.example")},
    {"extension_grant_audiences",  post("extension", "extension-secret"), account("urn:example:grant-type:account").audience("https://a.example").audience("https://b.example"), token("https://a.example https://b.example")},
    {"extension_grant_refused",    basic("extension", "extension-secret"), token_request::grant("account_credentials").parameter("account_id", coauth::secret("b")), refused(400, "invalid_grant")},
    {"extension_grant_not_allowed", basic("basic", "basic-secret"), account("account_credentials"), refused(400, "invalid_request")},
    {"extension_grant_unknown",    basic("basic", "basic-secret"),  account("urn:example:unknown"), refused(400, "unsupported_grant_type")},

    // Other parameters.
    {"audience_ignored",       basic("basic", "basic-secret"),  anything().audience("a & b"), token("")},
    {"parameter_ignored",      basic("basic", "basic-secret"),  anything().parameter("\xC3\xA9t\xC3\xA9", "=&+%"), token("")},
    {"parameter_twice",            basic("basic", "basic-secret"),  anything().parameter("request", "a").parameter("request", "b"), token("")},
    {"parameter_reserved",         basic("basic", "basic-secret"),  anything().parameter("grant_type", "password"), failed("invalid_parameter")},
    {"oversized_body",             basic("basic", "basic-secret"),  anything().parameter("p", std::string(60'000, 'p')), refused(400, "invalid_request")},

    // The server's URL and identity.
    {"host_name",                  basic("basic", "basic-secret"),  scope("read"), token("read"), "localhost"},
    {"wrong_path",                 basic("basic", "basic-secret"),  anything(), failed("http_error", 404), "127.0.0.1", "/nowhere"},
    {"get_only_path",        basic("basic", "basic-secret"),  anything(), failed("http_error", 404), "127.0.0.1", "/.well-known/openid-configuration"},
    {"other_ca",                   basic("basic", "basic-secret"),  anything(), failed("certificate_verify_failed"), "127.0.0.1", "/token", "other-ca.pem"},

    // The second server does not decode Basic, so form-encoded credentials work only if encoding
    // changes nothing.
    at_oauth2_server("basic",              basic("basic", "basic-secret"),  scope("read write"), token("read write")),
    at_oauth2_server("basic_wrong_secret", basic("basic", "other"),         anything(), refused(401, "invalid_client")),
    at_oauth2_server("basic_unknown",      basic("nobody", "basic-secret"), anything(), refused(401, "invalid_client")),
    at_oauth2_server("basic_special",      basic("special", secret),        anything(), refused(401, "invalid_client")),
    at_oauth2_server("unencoded_basic",                raw("basic", "basic-secret"),    scope("read"), token("read")),
    at_oauth2_server("unencoded_basic_special",        raw("special", secret),          scope("read"), token("read")),
    at_oauth2_server("unencoded_basic_plus",           raw("plus+id", "plus+secret"),   anything(), token("read")),
    at_oauth2_server("unencoded_basic_wrong_secret",   raw("special", secret + "+"),    anything(), refused(401, "invalid_client")),
    at_oauth2_server("post",               post("basic", "basic-secret"),   scope("write"), token("write")),
    at_oauth2_server("post_special",       post("special", secret),         scope("read"), token("read")),
    at_oauth2_server("post_plus",          post("plus+id", "plus+secret"),  anything(), token("read")),
    at_oauth2_server("post_wrong_secret",  post("special", secret + "+"),   anything(), refused(400, "invalid_client")),
    at_oauth2_server("none",               none("basic"),                   anything(), refused(400, "invalid_client")),
    at_oauth2_server("scope_none",         basic("basic", "basic-secret"),  anything(), token("read write")),
    at_oauth2_server("scope_unknown",      basic("basic", "basic-secret"),  scope("read admin"), refused(400, "invalid_scope")),
    at_oauth2_server("other_grant",        basic("other-grant", "other-grant-secret"), anything(), refused(400, "unauthorized_client")),
};
// clang-format on

coauth::client_config config_for(row const& test)
{
    auto const port = server_url.substr(server_url.rfind(':'));
    coauth::client_config config;
    config.server.token_endpoint = "https://" + test.host + port + test.path;
    config.authentication = test.authentication;
    // Retries have tests of their own.
    config.retry.max_attempts = 1;
    config.tls.ca_file = tls_directory + "/" + test.ca;
    return config;
}

std::vector<token_result>
fetch(coauth::client_config const& config, token_request const& request, std::size_t count)
{
    boost::asio::io_context context;
    coauth::client client(context.get_executor(), config);
    std::vector<token_result> got;
    for (std::size_t i = 0; i < count; ++i)
        client.async_get_access_token(
            request, [&](token_result r) { got.push_back(std::move(r)); });
    context.run();
    return got;
}

void check_token(coauth::access_token const& got, expectation const& expected)
{
    BOOST_TEST(got.token_type() == "Bearer");
    BOOST_TEST(got.authorization() == "Bearer " + std::string(got.value()));
    BOOST_TEST(got.scope() == expected.scope);
    BOOST_TEST((got.lifetime() == expected.lifetime));
    BOOST_TEST(!got.expired());
    BOOST_TEST(got.http_status() == 200U);
    BOOST_TEST(got.value().size() >= 43U);
    BOOST_TEST(std::ranges::count(got.value(), '.') == (expected.jwt ? 2 : 0));
}

void check_error(
    coauth::error const& got, expectation const& expected, std::string_view client_secret)
{
    BOOST_TEST(got.http_status() == expected.http_status);
    BOOST_TEST(got.oauth_error() == expected.oauth_error);
    // Each error response of these servers has a description.
    BOOST_TEST(got.description().empty() == (expected.http_status == 0));
    BOOST_TEST(got.attempts() == (got == coauth::error_kind::configuration ? 0U : 1U));
    // Shorter secrets may occur in a message by accident.
    if (client_secret.size() > 3)
        BOOST_TEST(got.message().find(client_secret) == std::string::npos);
}

void run(row const& test)
{
    auto const got = fetch(config_for(test), test.request, 1);
    BOOST_REQUIRE_EQUAL(got.size(), 1U);
    auto const& result = got.front();
    if (!result)
        BOOST_TEST_MESSAGE(result.error());
    BOOST_REQUIRE_EQUAL(
        result ? "token" : coauth::to_string(result.error().value()), test.expected.outcome);
    if (result)
        check_token(*result, test.expected);
    else
        check_error(result.error(), test.expected, test.authentication.client_secret().view());
}

void concurrent_requests_get_a_token_each()
{
    auto const got = fetch(config_for(rows.front()), scope("read"), 20);
    std::set<std::string> values;
    for (auto const& result : got)
    {
        if (!result)
            BOOST_FAIL("no token: " << result.error());
        values.emplace(result->value());
    }
    BOOST_TEST(values.size() == 20U);
}

bool make_tests()
{
    auto* const suite = BOOST_TEST_SUITE("oidc_provider");
    for (auto const& test : rows)
        suite->add(boost::unit_test::make_test_case(
            [&test] { run(test); }, test.name, __FILE__, __LINE__));
    suite->add(BOOST_TEST_CASE(concurrent_requests_get_a_token_each));
    auto& all = boost::unit_test::framework::master_test_suite();
    all.p_name.value = "coauth_interop";
    all.add(suite);
    return true;
}

} // namespace

int main(int argc, char* argv[])
{
    char const* const url = std::getenv("COAUTH_INTEROP_URL");
    char const* const tls = std::getenv("COAUTH_INTEROP_TLS");
    if (url == nullptr || tls == nullptr)
    {
        std::cerr << "COAUTH_INTEROP_URL, COAUTH_INTEROP_TLS: not set; start this by run.sh\n";
        return EXIT_FAILURE;
    }
    server_url = url;
    tls_directory = tls;
    return boost::unit_test::unit_test_main(&make_tests, argc, argv);
}
