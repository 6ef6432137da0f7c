// Grants with an assertion, a subject token or a refresh token, and functions that provide them.

#include "client_authentication.hpp"
#include "scratch_file.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <functional>
#include <optional>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace test;

BOOST_AUTO_TEST_SUITE(grants)

using coauth::secret;
using coauth::token_request;

namespace
{

constexpr char const* jwt_bearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";
constexpr char const* token_exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
constexpr char const* account = "robot@project.example";

server_options accepting(std::string grant)
{
    auto chosen = options();
    chosen.grants = {std::move(grant)};
    return chosen;
}

using signed_handler = std::function<void(coauth::result<std::string>)>;

server_options trusting(test_key const& key)
{
    auto chosen = accepting(jwt_bearer);
    chosen.assertion_issuers = {{account, {key.public_pem()}}};
    return chosen;
}

coauth::assertion_claims claims_for(authorization_server const& server)
{
    coauth::assertion_claims claims;
    claims.issuer = account;
    claims.subject = "someone";
    claims.audience = server.token_endpoint();
    claims.further = {{"scope", "read"}};
    return claims;
}

// The server fails once.
coauth::client_config retried_once(authorization_server& server)
{
    server.push_response(response::json(503, ""));
    auto config = server.config();
    config.authentication = coauth::client_authentication::anonymous();
    config.retry.initial_back_off = 1ms;
    return config;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_jwt_bearer_grant_has_a_new_assertion_for_each_attempt)
{
    test_key const key("RSA");
    auto server = start(trusting(key));
    client_fixture kept(retried_once(server));
    auto const request = token_request::jwt_bearer(
        coauth::jwt_assertion(signing_key_of(key).key_id("k"), claims_for(server)));
    BOOST_TEST(outcome(kept.fetch(request)) == "success");
    BOOST_TEST(outcome(kept.fetch(request)) == "success");
    std::set<std::string> ids;
    for (auto const& seen : server.requests())
    {
        auto const assertion = parameter(seen, "assertion");
        auto const claims = part_of(assertion, 1);
        ids.insert(claims.at("jti").as_string().c_str());
        BOOST_TEST(claims.at("scope").as_string() == "read");
        BOOST_TEST(claims.at("sub").as_string() == "someone");
        BOOST_TEST(part_of(assertion, 0).at("kid").as_string() == "k");
        BOOST_TEST(seen.body.find("client_id") == std::string::npos);
    }
    BOOST_TEST(ids.size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_jwt_bearer_grant_of_another_key_is_refused)
{
    test_key const key("P-256");
    test_key const other("P-256");
    auto const server = start(trusting(key));
    auto config = single_attempt(server);
    config.authentication = coauth::client_authentication::anonymous();
    auto const got = fetch(
        config, token_request::jwt_bearer(
                    coauth::jwt_assertion(signing_key_of(other), claims_for(server))));
    BOOST_TEST(outcome(got) == "invalid_grant");
    check_no_secret(got, parameter(server.requests().back(), "assertion"));
}

BOOST_AUTO_TEST_CASE(a_signer_function_signs_the_assertion_of_a_jwt_bearer_grant)
{
    test_key const key("P-256");
    auto server = start(trusting(key));
    auto config = retried_once(server);
    std::vector<std::thread> others;
    auto const sign = [&](std::string const& input, signed_handler const& done)
    { others.emplace_back([&key, input, done] { done(key.sign("ES256", input)); }); };
    auto const assertion = coauth::jwt_assertion(
        coauth::signing_key::signer(coauth::signature_algorithm::es256, sign), claims_for(server));
    client_fixture kept(config);
    BOOST_TEST(outcome(kept.fetch(token_request::jwt_bearer(assertion))) == "success");
    // Once for each attempt.
    BOOST_TEST(others.size() == 2U);
    for (auto& other : others)
        other.join();
    for (auto const& seen : server.requests())
        BOOST_TEST(part_of(parameter(seen, "assertion"), 0).at("alg").as_string() == "ES256");
    // Elsewhere nobody waits for it.
    BOOST_TEST(outcome(assertion()) == "invalid_configuration");
    config.authentication = coauth::client_authentication::client_assertion(client_id, assertion);
    auto const got = fetch(config);
    BOOST_TEST(outcome(got) == "invalid_configuration");
    BOOST_REQUIRE(!got);
    BOOST_TEST(got.error().message().find("use private_key_jwt") != std::string::npos, got.error());
    BOOST_TEST(others.size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_jwt_bearer_grant_that_cannot_be_signed_is_an_error)
{
    test_key const key("P-256");
    auto const server = start(trusting(key));
    auto const good = claims_for(server);
    auto const gives_up = coauth::signing_key::signer(
        coauth::signature_algorithm::es256, [](std::string const&, signed_handler const&) {});
    auto no_audience = good;
    no_audience.audience.clear();
    auto too_long = good;
    too_long.lifetime = 2h;
    auto own_name = good;
    own_name.further = {{"exp", "1"}};
    struct row
    {
        coauth::signing_key key;
        coauth::assertion_claims claims;
        char const* says;
    };
    for (auto const& [by, claims, says] : std::vector<row>{
             {coauth::signing_key(), good, "is empty"},
             {gives_up, good, "gave up without a response"},
             {signing_key_of(key), no_audience, "issuer or audience is empty"},
             {signing_key_of(key), too_long, "lifetime is 7200 s"},
             {signing_key_of(key), own_name, "'exp' is reserved"}})
        BOOST_TEST_CONTEXT(says)
        {
            auto const got = fetch(
                single_attempt(server),
                token_request::jwt_bearer(coauth::jwt_assertion(by, claims)));
            BOOST_TEST(outcome(got) == "invalid_configuration");
            BOOST_REQUIRE(!got);
            BOOST_TEST(got.error().message().find(says) != std::string::npos, got.error());
        }
    BOOST_TEST(server.requests().empty());
}

BOOST_AUTO_TEST_CASE(token_exchange_reads_a_replaced_file_again)
{
    auto const server = start(accepting(token_exchange));
    scratch_file const file("subject", "first\n");
    client_fixture kept(single_attempt(server));
    auto const request = token_request::token_exchange(coauth::secret_from_file(file.path()));
    BOOST_TEST(outcome(kept.fetch(request)) == "success");
    file.write("second");
    BOOST_TEST(outcome(kept.fetch(request)) == "success");
    auto const all = server.requests();
    BOOST_TEST(parameter(all[0], "subject_token") == "first");
    BOOST_TEST(parameter(all[1], "subject_token") == "second");
    BOOST_TEST(
        parameter(all[1], "subject_token_type") ==
        "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt");
}

BOOST_AUTO_TEST_CASE(a_failing_function_of_a_grant_is_an_error_without_a_request)
{
    auto const server = start(accepting(token_exchange));
    coauth::error_info info;
    info.context = "the vault is sealed";
    coauth::error const sealed(coauth::errc::connect_failed, std::move(info));
    struct row
    {
        coauth::secret_provider give;
        char const* outcome;
        char const* says;
    };
    for (auto const& [give, expected, says] :
         std::vector<row>{
             {[=] { return coauth::result<secret>(sealed); }, "connect_failed", "is sealed"},
             {[]() -> coauth::result<secret> { throw std::runtime_error("hush"); },
              "invalid_configuration", "subject_token threw an exception"},
             {[]() -> coauth::result<secret> { return secret(); }, "invalid_parameter",
              "subject_token is empty"},
             {[]() -> coauth::result<secret> { return secret("hush\n"); }, "invalid_parameter",
              "control character"},
             {nullptr, "invalid_parameter", "returns the subject_token is empty"}})
        BOOST_TEST_CONTEXT(says)
        {
            auto const got = fetch(single_attempt(server), token_request::token_exchange(give));
            BOOST_TEST(outcome(got) == expected);
            BOOST_REQUIRE(!got);
            BOOST_TEST(got.error().message().find(says) != std::string::npos, got.error());
            BOOST_TEST(got.error().message().find("hush") == std::string::npos);
        }
    BOOST_TEST(server.requests().empty());
}

// Each response contains the refresh token for the next request.
BOOST_AUTO_TEST_CASE(a_rotated_refresh_token_is_used_for_the_next_request)
{
    auto chosen = accepting("refresh_token");
    chosen.refresh_tokens = {"the-first"};
    chosen.rotate_refresh_tokens = true;
    auto const server = start(std::move(chosen));
    secret last("the-first");
    client_fixture kept(single_attempt(server));
    auto const request =
        token_request::refresh_token([&]() -> coauth::result<secret> { return last; });
    for (int i = 0; i < 3; ++i)
    {
        auto const token = require_token(kept.fetch(request));
        auto const json = token.member("refresh_token").value_or("");
        BOOST_REQUIRE(json.size() > 2);
        last = secret(json.substr(1, json.size() - 2));
    }
    BOOST_TEST(
        outcome(kept.fetch(token_request::refresh_token(secret("the-first")))) == "invalid_grant");
}

BOOST_AUTO_TEST_CASE(a_token_source_calls_the_functions_of_a_grant_for_each_fetch)
{
    auto chosen = accepting(token_exchange);
    auto const server = start(std::move(chosen));
    int calls = 0;
    boost::asio::io_context context;
    coauth::client client(context.get_executor(), with_log_scan(single_attempt(server)));
    coauth::token_source source(
        client,
        token_request::token_exchange(
            [&]() -> coauth::result<secret> { return secret("n" + std::to_string(++calls)); }));
    for (int i = 0; i < 2; ++i)
    {
        std::optional<token_result> got;
        source.async_get_new_access_token([&](token_result r) { got = std::move(r); });
        context.restart();
        context.run();
        BOOST_REQUIRE(got);
        BOOST_TEST(outcome(*got) == "success");
    }
    auto const all = server.requests();
    BOOST_REQUIRE_EQUAL(all.size(), 2U);
    BOOST_TEST(parameter(all[0], "subject_token") == "n1");
    BOOST_TEST(parameter(all[1], "subject_token") == "n2");
}

BOOST_AUTO_TEST_CASE(an_extension_grant_is_sent_by_its_name_with_its_parameters)
{
    auto chosen = accepting("account_credentials");
    chosen.token_audiences = {"https://a.example", "https://b.example"};
    auto const server = start(std::move(chosen));
    client_fixture kept(single_attempt(server));
    scratch_file const file("code", "first\n");
    auto const request = token_request::grant("account_credentials")
                             .parameter("account_id", "a&1")
                             .parameter("pin", secret("p=2"))
                             .parameter("code", coauth::secret_from_file(file.path()))
                             .audience("https://a.example")
                             .audience("https://b.example");
    BOOST_TEST(outcome(kept.fetch(request)) == "success");
    file.write("second");
    BOOST_TEST(outcome(kept.fetch(request)) == "success");
    auto const all = server.requests();
    BOOST_REQUIRE_EQUAL(all.size(), 2U);
    BOOST_TEST(all[1].parameter("grant_type") == "account_credentials");
    BOOST_TEST(all[1].parameter("account_id") == "a&1");
    BOOST_TEST(all[1].parameter("pin") == "p=2");
    BOOST_TEST(all[0].parameter("code") == "first");
    BOOST_TEST(all[1].parameter("code") == "second");
    BOOST_TEST(
        all[1].parameters("audience") ==
            std::vector<std::string>({"https://a.example", "https://b.example"}),
        boost::test_tools::per_element());
    auto other = request;
    other.audience("https://c.example");
    BOOST_TEST(outcome(kept.fetch(other)) == "invalid_target");
    auto const unknown = kept.fetch(token_request::grant("urn:example:other"));
    BOOST_TEST(outcome(unknown) == "unsupported_grant_type");
}

BOOST_AUTO_TEST_CASE(a_grant_that_is_valid_once_is_not_sent_twice)
{
    for (auto const* type :
         {"refresh_token", "authorization_code", "urn:ietf:params:oauth:grant-type:device_code",
          "urn:ietf:params:oauth:grant-type:uma-ticket", "urn:openid:params:grant-type:ciba"})
        BOOST_TEST_CONTEXT(type)
        {
            auto server = start(accepting(type));
            auto config = server.config();
            config.retry.initial_back_off = 1ms;
            server.push_response(response::json(502, ""));
            client_fixture kept(config);
            auto const got = kept.fetch(token_request::grant(type).parameter("code", secret("x")));
            BOOST_TEST(outcome(got) == "http_error");
            BOOST_TEST(server.requests().size() == 1U);
        }
    auto server = start(accepting("account_credentials"));
    auto config = server.config();
    config.retry.initial_back_off = 1ms;
    server.push_response(response::json(502, ""));
    client_fixture kept(config);
    BOOST_TEST(outcome(kept.fetch(token_request::grant("account_credentials"))) == "success");
    BOOST_TEST(server.requests().size() == 2U);
}

BOOST_AUTO_TEST_CASE(granted_authorization_details_are_on_the_token)
{
    auto chosen = options();
    chosen.authorization_details_types = {"payment"};
    auto const server = start(std::move(chosen));
    client_fixture kept(single_attempt(server));
    std::string const details = R"([{"type":"payment","amount":{"value":"1.00"}}])";
    auto const token = require_token(kept.fetch(token_request().authorization_details(details)));
    BOOST_TEST(token.authorization_details() == details);
    BOOST_TEST(require_token(kept.fetch()).authorization_details().empty());
    auto const refused =
        kept.fetch(token_request().authorization_details(R"([{"type":"account"}])"));
    BOOST_TEST(outcome(refused) == "other_oauth_error");
    BOOST_REQUIRE(!refused);
    BOOST_TEST(refused.error().oauth_error() == "invalid_authorization_details");
    BOOST_TEST(
        outcome(kept.fetch(token_request().authorization_details("[]"))) == "invalid_parameter");
    BOOST_TEST(coauth::access_token().authorization_details().empty());
    BOOST_TEST(server.requests().size() == 3U);
}

BOOST_AUTO_TEST_CASE(header_fields_are_sent_with_every_request_and_in_no_text)
{
    auto chosen = options();
    chosen.required_headers = {{"x-api-key", "hush-key-1"}};
    auto server = start(std::move(chosen));
    BOOST_TEST(outcome(fetch(single_attempt(server))) == "http_error");
    auto config = single_attempt(server);
    config.headers = {{"X-Api-Key", secret("hush-key-1")}};
    config.server.token_endpoint.clear();
    config.issuer = server.issuer();
    std::string shown;
    config.debug = [&](std::string_view text) { shown += text; };
    client_fixture kept(config);
    // The metadata too.
    auto const traced = token_request().header("traceparent", "00-1-2-01");
    BOOST_TEST(outcome(kept.fetch(traced)) == "success");
    BOOST_TEST(outcome(kept.fetch()) == "success");
    auto const all = server.requests();
    BOOST_TEST(all[all.size() - 2].headers.find("traceparent").value_or("") == "00-1-2-01");
    BOOST_TEST(!all.back().headers.find("traceparent"));
    server.push_response(response::json(
        400, R"({"error":"invalid_request","error_description":"hush-key-1 is old"})"));
    auto const got = kept.fetch();
    BOOST_REQUIRE(!got);
    BOOST_TEST(got.error().description() == "*** is old");
    BOOST_TEST(shown.find("X-Api-Key: ***") != std::string::npos);
    BOOST_TEST(shown.find("traceparent: 00-1-2-01") != std::string::npos);
    BOOST_TEST(shown.find("hush") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_cached_source_does_not_depend_on_header_fields)
{
    auto const server = start();
    boost::asio::io_context context;
    coauth::client client(context.get_executor(), with_log_scan(single_attempt(server)));
    coauth::token_cache cache;
    auto const first = cache.get(client, token_request().scope("read").header("traceparent", "a"));
    auto const second = cache.get(client, token_request().scope("read").header("traceparent", "b"));
    auto const other = cache.get(client, token_request().scope("read").audience("x"));
    BOOST_TEST(first.get() == second.get());
    BOOST_TEST(first.get() != other.get());
}

BOOST_AUTO_TEST_CASE(an_assertion_may_have_claims_of_any_type)
{
    test_key const key("P-256");
    auto const server = start(trusting(key));
    auto claims = claims_for(server);
    claims.json_claims = R"({"box_sub_type":"enterprise","groups":[1,2]})";
    claims.backdate = 60s;
    claims.type = "jwt-bearer+jwt";
    auto config = single_attempt(server);
    config.authentication = coauth::client_authentication::anonymous();
    auto const make = coauth::jwt_assertion(signing_key_of(key), claims);
    BOOST_TEST(outcome(fetch(config, token_request::jwt_bearer(make))) == "success");
    auto const sent = server.requests().back().parameter("assertion");
    BOOST_TEST(part_of(sent, 1).at("groups").as_array().size() == 2U);
    BOOST_TEST(part_of(sent, 1).at("scope").as_string() == "read");
    BOOST_TEST(part_of(sent, 0).at("typ").as_string() == "jwt-bearer+jwt");
    // For a use of one's own.
    auto const own = make();
    BOOST_REQUIRE(own);
    BOOST_TEST(part_of(own->view(), 1).at("box_sub_type").as_string() == "enterprise");
}

BOOST_AUTO_TEST_SUITE_END()
