#include <coauth/smscx.hpp>

#include "protocol/config_validation.hpp"
#include "support.hpp"

using namespace test;

BOOST_AUTO_TEST_SUITE(smscx)

BOOST_AUTO_TEST_CASE(the_smscx_server_has_its_endpoints_and_rules)
{
    struct row
    {
        char const* host;
        char const* endpoint;
    };
    for (auto const& row : std::vector<row>{
             {coauth::smscx::default_host, "https://api.sms.cx/oauth/token"},
             {"https://localhost:8443", "https://localhost:8443/oauth/token"},
             {"https://localhost:8443/", "https://localhost:8443/oauth/token"},
         })
        BOOST_TEST_CONTEXT(row.host)
    BOOST_TEST(coauth::smscx::server(row.host).token_endpoint == row.endpoint);
    BOOST_TEST(coauth::smscx::server().token_endpoint == "https://api.sms.cx/oauth/token");
}

BOOST_AUTO_TEST_CASE(the_smscx_configuration_is_valid)
{
    auto const result = coauth::smscx::config("id", coauth::secret("word"));
    BOOST_TEST(
        (result.authentication.type() ==
         coauth::authentication_method::client_secret_basic_unencoded));
    BOOST_TEST(result.authentication.client_id() == "id");
    BOOST_TEST(result.authentication.client_secret().view() == "word");
    BOOST_TEST(result.server.token_endpoint == "https://api.sms.cx/oauth/token");
    BOOST_TEST(!result.allow_http_loopback);
    BOOST_TEST((result.timeout == 10s));
}

BOOST_AUTO_TEST_CASE(an_empty_host_of_smscx_is_reported)
{
    auto const got =
        coauth::protocol::check_config(coauth::smscx::config("id", coauth::secret("word"), ""));
    BOOST_TEST(outcome(got) == "invalid_configuration");
}

BOOST_AUTO_TEST_CASE(missing_environment_variables_are_reported)
{
    using coauth::protocol::check_config;
    using coauth::smscx::config;
    char const* const not_set = nullptr;
    auto const says = [](coauth::client_config const& result)
    { return check_config(result).error().message(); };
    check_contains(says(config(not_set, "word")), "the client id is empty");
    check_contains(says(config("id", not_set)), "the client secret is empty");
    check_contains(says(config("id", "word", not_set)), "server.token_endpoint");
}

BOOST_AUTO_TEST_SUITE_END()
