// The bodies of token requests by grant, and of introspection and revocation requests.

#include "protocol/config_validation.hpp"
#include "protocol/http_request.hpp"
#include "support.hpp"

using namespace test;

BOOST_AUTO_TEST_SUITE(token_request_form)

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

BOOST_AUTO_TEST_CASE(a_grant_of_any_name_has_its_parameters)
{
    BOOST_TEST(
        form(token_request::grant("account_credentials").parameter("account_id", "a 1")) ==
        "grant_type=account_credentials&account_id=a+1");
    secret const password("p&w");
    BOOST_TEST(
        form(token_request::grant("password")
                 .parameter("username", "ann")
                 .parameter("password", password)
                 .scope("read")) == "grant_type=password&password=p%26w&scope=read&username=ann");
    auto const saml = token_request::grant("urn:ietf:params:oauth:grant-type:saml2-bearer")
                          .parameter("assertion", [] { return coauth::result<secret>("x"); });
    BOOST_TEST(coauth::protocol::has_dynamic_parameters(saml));
    BOOST_TEST(
        form(token_request::grant("urn:ietf:params:oauth:grant-type:saml2-bearer")
                 .parameter("assertion", "PHNhbWw+")) ==
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Asaml2-bearer&assertion=PHNhbWw%2B");
    // Text parameters may repeat, as the permissions of UMA do.
    BOOST_TEST(
        form(token_request::grant("urn:ietf:params:oauth:grant-type:uma-ticket")
                 .parameter("permission", "a")
                 .parameter("permission", "b")
                 .audience("api")) ==
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Auma-ticket&audience=api&permission="
        "a&permission=b");
}

BOOST_AUTO_TEST_CASE(client_credentials_may_have_secret_parameters)
{
    auto const request = token_request().parameter("pin", secret("1 2")).scope("a");
    BOOST_TEST(form(request) == "grant_type=client_credentials&pin=1+2&scope=a");
    BOOST_TEST_REQUIRE(request.grant() != nullptr);
    BOOST_TEST(request.grant()->type == "client_credentials");
    auto const copy = request;
    BOOST_TEST((copy == request));
    auto changed = request;
    changed.parameter("pin2", secret("x"));
    BOOST_TEST(!(changed == request));
    BOOST_TEST(request.grant()->parameters.size() == 1U);
}

BOOST_AUTO_TEST_CASE(invalid_parameters_of_a_grant_are_rejected)
{
    auto const saml = []
    { return token_request::grant("urn:ietf:params:oauth:grant-type:saml2-bearer"); };
    secret const hush("hush");
    struct row
    {
        token_request request;
        char const* says;
    };
    for (auto const& [request, says] : std::vector<row>{
             {token_request::grant(""), "the grant type is empty"},
             {token_request::grant(nullptr), "the grant type is empty"},
             {token_request::grant("a\r\nb"), "the grant type is empty or contains"},
             {saml().parameter("client_secret", hush), "'client_secret' is reserved"},
             {saml().parameter("grant_type", "hush"), "'grant_type' is reserved"},
             {saml().parameter("authorization_details", "[]"), "is reserved"},
             {saml().parameter("refresh_token", "hush"), "'refresh_token' is reserved"},
             {saml().parameter("assertion", hush).parameter("assertion", hush), "is set twice"},
             {saml().parameter("assertion", hush).parameter("assertion", "hush"), "is reserved"},
             {saml().parameter("assertion", secret()), "assertion is empty"},
             {saml().parameter("assertion", coauth::secret_provider()), "assertion is empty"},
             {saml().parameter("", hush), "a parameter has an empty name"},
             {saml().parameter("a\nb", hush), "control character"},
             {token_request().parameter("assertion", hush), "'assertion' is reserved"},
             {token_request::jwt_bearer(hush).parameter("assertion", hush), "is set twice"},
             {token_request::token_exchange(hush).parameter("subject_token", "hush"),
              "'subject_token' is reserved"}})
        BOOST_TEST_CONTEXT(says)
        {
            auto const built = coauth::protocol::token_request_form(request);
            BOOST_TEST_REQUIRE(outcome(built) == "invalid_parameter");
            check_contains(built.error().message(), says);
            check_lacks(built.error().message(), "hush");
        }
}

BOOST_AUTO_TEST_CASE(each_audience_is_a_parameter)
{
    auto const request = token_request().audience("a").audience("").audience("b c");
    BOOST_TEST(form(request) == "grant_type=client_credentials&audience=a&audience=b+c");
    auto const bad =
        coauth::protocol::token_request_form(token_request().audience("a").audience("hush\n"));
    BOOST_TEST(outcome(bad) == "invalid_parameter");
}

BOOST_AUTO_TEST_CASE(authorization_details_are_an_array_of_objects_with_a_type)
{
    BOOST_TEST(
        form(token_request().authorization_details(R"([{"type":"a"}])")) ==
        "grant_type=client_credentials&authorization_details=%5B%7B%22type%22%3A%22a%22%7D%5D");
    for (auto const* good :
         {R"( [ { "type" : "a" , "actions" : [ "x,{" , "\"}]" ] , "n" : { "m" : [1] } },
               {"type":"b"} ] )",
          R"([{"type":"\u0061\\"}])", ""})
        BOOST_TEST_CONTEXT(good)
    (void)form(token_request().authorization_details(good));
    for (auto const* bad :
         {"x", "{}", R"({"type":"a"})", "[]", "[1]", "[[]]", R"(["a"])", R"([{}])",
          R"([{"type":1}])", R"([{"type":""}])", R"([{"type":"a"},{"a":1}])",
          R"([{"type":"a"},null])", R"([{"type":"a"}],"x":[{"type":"a"}])",
          R"([{"type":"a","type":"b"}])", R"([{"type":"a"}] x)", R"([{"type":"a"}]})",
          R"([{"type":"a"},])"})
        BOOST_TEST_CONTEXT(bad)
        {
            auto const built =
                coauth::protocol::token_request_form(token_request().authorization_details(bad));
            BOOST_TEST(outcome(built) == "invalid_parameter");
        }
}

BOOST_AUTO_TEST_SUITE_END()
