// The bodies of token requests by grant, and of introspection and revocation requests.

#include "protocol/config_validation.hpp"
#include "protocol/http_request.hpp"
#include "support.hpp"

using namespace test;
using coauth::client_authentication;
using coauth::secret;
using coauth::token_request;

namespace
{

std::string form(token_request const& request)
{
    auto const built = coauth::protocol::token_request_form(request);
    BOOST_TEST_REQUIRE(outcome(built) == "success");
    return text(*built);
}

std::string body(
    client_authentication const& authentication,
    coauth::protocol::attempt_credentials const& credentials = {})
{
    auto configuration = config();
    configuration.authentication = authentication;
    auto const endpoint =
        coauth::protocol::make_endpoint_for(configuration, coauth::protocol::endpoint_kind::token);
    auto const built = coauth::protocol::build_form_request(
        configuration, configuration.authentication, *endpoint, secret("a=b"), credentials);
    BOOST_TEST_REQUIRE(outcome(built) == "success");
    auto const whole = text(*built);
    return whole.substr(whole.find("\r\n\r\n") + 4);
}

} // namespace

BOOST_AUTO_TEST_SUITE(token_request_form)

BOOST_AUTO_TEST_CASE(token_exchange_has_its_parameters)
{
    BOOST_TEST(
        form(token_request::token_exchange(secret("t")).scope("read")) ==
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=t&"
        "subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&scope=read");
    check_contains(
        form(token_request::token_exchange(secret("t"), "a:b", secret("u"), "c:d")),
        "subject_token=t&subject_token_type=a%3Ab&actor_token=u&actor_token_type=c%3Ad");
}

BOOST_AUTO_TEST_CASE(jwt_bearer_and_refresh_token_have_their_parameters)
{
    BOOST_TEST(
        form(token_request::jwt_bearer(secret("x.y.z"))) ==
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=x.y.z");
    BOOST_TEST(
        form(token_request::refresh_token(secret("r"))) ==
        "grant_type=refresh_token&refresh_token=r");
}

BOOST_AUTO_TEST_CASE(dynamic_parameters_are_requested_for_each_attempt)
{
    int calls = 0;
    auto const request = token_request::token_exchange(
        [&]() -> coauth::result<secret> { return secret("t&" + std::to_string(++calls)); }, "a:b");
    BOOST_TEST(coauth::protocol::has_dynamic_parameters(request));
    BOOST_TEST(!coauth::protocol::has_dynamic_parameters(token_request::jwt_bearer(secret("x"))));
    BOOST_TEST(!coauth::protocol::has_dynamic_parameters(token_request()));
    // The form can be checked before the function is called.
    check_lacks(form(request), "subject_token=");
    BOOST_TEST(calls == 0);
    BOOST_TEST(text(*coauth::protocol::dynamic_parameters_form(request)) == "subject_token=t%261");
    auto const parameters = coauth::protocol::dynamic_parameters_form(request);
    BOOST_TEST(
        text(*coauth::protocol::token_request_form(request, *parameters)) ==
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&"
        "subject_token_type=a%3Ab&subject_token=t%262");
}

BOOST_AUTO_TEST_CASE(invalid_tokens_are_rejected)
{
    for (auto const& request :
         {token_request::refresh_token(secret()), token_request::jwt_bearer(secret("hush\n"))})
    {
        auto const built = coauth::protocol::token_request_form(request);
        BOOST_TEST(outcome(built) == "invalid_parameter");
        check_lacks(built.error().message(), "hush");
    }
    for (auto const& [token, hint] :
         std::vector<std::pair<char const*, char const*>>{{"", ""}, {"hush\n", ""}, {"t", "a\n"}})
        BOOST_TEST(
            outcome(coauth::protocol::token_hint_form(secret(token), hint)) == "invalid_parameter");
}

BOOST_AUTO_TEST_CASE(failing_dynamic_parameters_are_reported)
{
    using response = coauth::result<secret>;
    struct row
    {
        coauth::secret_provider function;
        char const* outcome;
    };
    for (auto const& row :
         std::vector<row>{
             {[]() -> response { return coauth::error(coauth::errc::timeout); }, "timeout"},
             {[]() -> response { return secret("hush\n"); }, "invalid_parameter"},
             {[]() -> response { throw std::bad_alloc(); }, "out_of_memory"},
             {[]() -> response { throw std::runtime_error("hush"); }, "invalid_configuration"},
         })
    {
        auto const parameters =
            coauth::protocol::dynamic_parameters_form(token_request::refresh_token(row.function));
        BOOST_TEST(outcome(parameters) == row.outcome);
        check_lacks(parameters.error().message(), "hush");
    }
    BOOST_TEST(coauth::protocol::dynamic_parameters_form(token_request())->empty());
    auto const nothing = token_request::refresh_token(coauth::secret_provider());
    check_contains(
        coauth::protocol::token_request_form(nothing).error().message(),
        "the function that returns the refresh_token is empty");
}

BOOST_AUTO_TEST_CASE(introspection_has_the_token_and_its_type_hint)
{
    BOOST_TEST(text(*coauth::protocol::token_hint_form(secret("t"), "")) == "token=t");
    BOOST_TEST(
        text(*coauth::protocol::token_hint_form(secret("t"), "refresh_token")) ==
        "token=t&token_type_hint=refresh_token");
}

BOOST_AUTO_TEST_CASE(assertions_and_proofs_are_added_to_the_request)
{
    coauth::protocol::attempt_credentials credentials;
    credentials.assertion = secret("h.c.s");
    BOOST_TEST(
        body(client_authentication::private_key_jwt("id", {}), credentials) ==
        "a=b&client_id=id&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-"
        "type%3Ajwt-bearer&client_assertion=h.c.s");
    credentials.dpop = secret("p.r.f");
    auto const endpoint =
        coauth::protocol::make_endpoint_for(config(), coauth::protocol::endpoint_kind::token);
    check_contains(
        text(*coauth::protocol::build_form_request(
            config(), config().authentication, *endpoint, secret("a=b"), credentials)),
        "\r\nDPoP: p.r.f\r\n");
    auto const others = client_authentication::client_assertion(
        "", []() -> coauth::result<secret> { return secret(); });
    // The assertion takes the place of the secret.
    check_contains(body(others.with_secret(secret("k8s"))), "&client_assertion=k8s");
    check_lacks(body(others.with_secret(secret("k8s"))), "client_id");
    BOOST_TEST(body(client_authentication::tls_client_auth("id")) == "a=b&client_id=id");
}

BOOST_AUTO_TEST_SUITE_END()
