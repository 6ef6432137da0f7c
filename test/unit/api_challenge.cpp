#include <coauth/api_challenge.hpp>

#include "support.hpp"
#include "token_source/demanded_claims.hpp"
#include "values/json_merge.hpp"

#include <map>

using namespace test;

BOOST_AUTO_TEST_SUITE(api_challenge)

using coauth::challenge_remedy;

BOOST_AUTO_TEST_CASE(the_remedy_of_a_challenge_is_recognized)
{
    struct row
    {
        unsigned status;
        char const* field;
        char const* remedy;
    };
    for (auto const& row : std::vector<row>{
             {401, "", "new_token"},
             {401, "Bearer", "new_token"},
             {401, R"(Bearer error="invalid_token")", "new_token"},
             {401, R"(DPoP algs="ES256", error="invalid_token", Bearer error="x")", "new_token"},
             {401, R"(Bearer error="insufficient_scope", scope="a b")", "scope"},
             {403, R"(Bearer error="insufficient_scope")", "scope"},
             {403, R"(Bearer error="invalid_token")", "none"},
             {401, R"(Bearer error="invalid_request")", "none"},
             {401, R"(DPoP error="use_dpop_nonce")", "dpop_nonce"},
             {403, R"(DPoP error="use_dpop_nonce")", "none"},
             {401, R"(DPoP error="invalid_dpop_proof")", "none"},
             {401, R"(Bearer error="insufficient_user_authentication", acr_values="a")", "claims"},
             {401, R"(Bearer error="insufficient_claims", claims="e30=")", "claims"},
             {403, R"(Bearer error="insufficient_claims")", "claims"},
             {401, R"(Bearer error="invalid_token", claims="e30=")", "claims"},
             {401, R"(Bearer error="invalid_token", claims="bm9uZQ==")", "new_token"}})
        BOOST_TEST_CONTEXT(row.status << ' ' << row.field)
        {
            auto const challenge = coauth::parse_api_challenge(row.status, row.field);
            BOOST_TEST_REQUIRE(challenge.has_value());
            BOOST_TEST(to_string(challenge->remedy) == row.remedy);
        }
    for (auto const& [status, field] : std::vector<std::pair<unsigned, char const*>>{
             {200, R"(Bearer error="invalid_token")"}, {403, ""}, {403, "Bearer"}, {500, ""}})
        BOOST_TEST(!coauth::parse_api_challenge(status, field).has_value(), status);
}

BOOST_AUTO_TEST_CASE(the_parameters_are_decoded)
{
    auto const challenge = coauth::parse_api_challenge(
        401, "Basic realm=\"x\", Bearer error=\"insufficient_user_authentication\", "
             "error_description=\"a \\\"quoted\\\" text\x01\", scope=\"a b\", acr_values=\"1 2\", "
             "max_age=300, claims=\"eyJhIjp7ImIiOjF9fQ\", "
             "resource_metadata=\"https://api.example/.well-known/x\"");
    BOOST_TEST_REQUIRE(challenge.has_value());
    BOOST_TEST(challenge->error == "insufficient_user_authentication");
    BOOST_TEST(challenge->error_description == "a \"quoted\" text?");
    BOOST_TEST(challenge->scope == "a b");
    BOOST_TEST(challenge->acr_values == "1 2");
    BOOST_TEST((challenge->max_age == std::chrono::seconds(300)));
    BOOST_TEST(challenge->claims == R"({"a":{"b":1}})");
    BOOST_TEST(challenge->resource_metadata == "https://api.example/.well-known/x");
}

BOOST_AUTO_TEST_CASE(claims_are_json_in_base64_or_as_they_are)
{
    struct row
    {
        std::string value;
        std::string claims;
    };
    for (auto const& row : std::vector<row>{
             {R"("eyJhIjoxfQ==")", R"({"a":1})"},
             {R"(eyJhIjoxfQ==)", R"({"a":1})"},
             {R"("{\"a\":1}")", R"({"a":1})"},
             {R"("[1]")", ""},
             {R"("WzFd")", ""},
             {R"("eyJhIjox")", ""},
             {R"("")", ""},
             {"\"" + std::string(200'000, 'e') + "\"", ""}})
    {
        auto const challenge = coauth::parse_api_challenge(
            401, "Bearer error=\"insufficient_claims\", claims=" + row.value);
        BOOST_TEST_REQUIRE(challenge.has_value());
        BOOST_TEST(challenge->claims == row.claims);
    }
}

BOOST_AUTO_TEST_CASE(odd_parameters_are_left_out)
{
    for (char const* const age : {"-1", "x", "1x", "99999999999999999999", "\"\""})
        BOOST_TEST(
            !coauth::parse_api_challenge(401, std::string("Bearer max_age=") + age)->max_age, age);
    auto const text = std::string(5000, 'a');
    auto const challenge = coauth::parse_api_challenge(
        401,
        "Bearer error_description=\"" + text + "\", resource_metadata=\"https://" + text + '"');
    BOOST_TEST(challenge->error_description.size() == 1024U);
    BOOST_TEST(challenge->resource_metadata.empty());
}

BOOST_AUTO_TEST_CASE(json_objects_are_merged)
{
    struct row
    {
        char const* base;
        char const* more;
        char const* merged;
    };
    for (auto const& row : std::vector<row>{
             {"", "", "{}"},
             {R"({"a":1})", "", R"({"a":1})"},
             {"", R"({"a":[1,"x"]})", R"({"a":[1,"x"]})"},
             {R"({"a":1,"b":"t\"x"})", R"({"a":null,"c":true})",
              R"({"a":null,"b":"t\"x","c":true})"},
             {R"({"a":{"b":1,"c":{"d":1}}})", R"({"a":{"c":{"e":2}}})",
              R"({"a":{"b":1,"c":{"d":1,"e":2}}})"},
             {R"({"a":{"b":1}})", R"({"a":2})", R"({"a":2})"},
             {R"({"a":1})", "[1]", R"({"a":1})"}})
        BOOST_TEST(coauth::detail::merge_json_objects(row.base, row.more).view() == row.merged);
}

BOOST_AUTO_TEST_CASE(demands_become_parameters_of_the_request)
{
    coauth::detail::demanded_claims demands;
    auto const base =
        coauth::token_request().scope("s").parameter("claims", R"({"x":1})").parameter("p", "q");
    BOOST_TEST((demands.apply(base) == base));
    coauth::api_challenge first;
    first.claims = R"({"access_token":{"nbf":{"value":"1"}}})";
    first.acr_values = "low";
    demands.add(first);
    coauth::api_challenge second;
    second.claims = R"({"access_token":{"acrs":{"value":"c1"}}})";
    second.acr_values = "high";
    second.max_age = std::chrono::seconds(60);
    demands.add(second);
    std::map<std::string, std::string> got;
    auto const request = demands.apply(base);
    for (auto const& [name, value] : request.parameters())
        BOOST_TEST(got.emplace(name, value).second, name);
    std::map<std::string, std::string> const expected = {
        {"claims", R"({"x":1,"access_token":{"nbf":{"value":"1"},"acrs":{"value":"c1"}}})"},
        {"p", "q"},
        {"acr_values", "high"},
        {"max_age", "60"}};
    BOOST_TEST((got == expected));
    // Too much together: the newest alone.
    coauth::api_challenge large;
    large.claims = R"({"y":")" + std::string(16 * 1024 - 10, 'a') + "\"}";
    demands.add(large);
    BOOST_TEST(demands.apply(coauth::token_request()).parameters().at(0).second == large.claims);
}

BOOST_AUTO_TEST_SUITE_END()
