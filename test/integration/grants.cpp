// Grants with an assertion, a subject token or a refresh token, and functions that provide them.

#include "client_authentication.hpp"
#include "scratch_file.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <optional>
#include <set>
#include <stdexcept>

using namespace test;
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

} // namespace

BOOST_AUTO_TEST_SUITE(grants)

BOOST_AUTO_TEST_CASE(a_jwt_bearer_grant_has_a_new_assertion_for_each_attempt)
{
    test_key const key("RSA");
    auto server = start(trusting(key));
    auto config = server.config();
    config.authentication = coauth::client_authentication::anonymous();
    config.retry.initial_back_off = 1ms;
    server.push_response(response::json(503, ""));
    client_fixture kept(config);
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

BOOST_AUTO_TEST_CASE(a_jwt_bearer_grant_that_cannot_be_signed_is_an_error)
{
    test_key const key("P-256");
    auto const server = start(trusting(key));
    auto const good = claims_for(server);
    auto const by_function = coauth::signing_key::signer(
        coauth::signature_algorithm::es256,
        [](std::string const&, std::function<void(coauth::result<std::string>)> const&) {});
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
             {by_function, good, "is a function that signs"},
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

BOOST_AUTO_TEST_SUITE_END()
