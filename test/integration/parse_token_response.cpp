// A response that a token fetcher got by itself.

#include "fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace test;

BOOST_AUTO_TEST_SUITE(parse_token_response)

using coauth::http_headers;
using clock_type = std::chrono::steady_clock;

BOOST_AUTO_TEST_CASE(a_token_lives_from_the_time_of_its_request)
{
    auto const requested = clock_type::now() - 100s;
    auto const token = coauth::parse_token_response(
        200, R"({"access_token":"a","token_type":"Bearer","expires_in":3600,"client_id":"robot"})",
        requested);
    BOOST_REQUIRE(token);
    BOOST_TEST(token->authorization() == "Bearer a");
    auto const now = std::chrono::system_clock::now();
    BOOST_TEST(!token->expired(now, clock_type::now() + 3400s));
    BOOST_TEST(token->expired(now, clock_type::now() + 3501s));
    BOOST_TEST(token->expired(now + 3501s, clock_type::now()));
    BOOST_TEST(token->member("client_id").value() == R"("robot")");
}

BOOST_AUTO_TEST_CASE(anything_else_is_an_error_with_the_words_of_the_server)
{
    http_headers later;
    later.add("Retry-After", "30");
    struct row
    {
        unsigned status;
        std::string body;
        http_headers headers;
        char const* code;
        char const* description;
    };
    std::vector<row> const rows{
        {400,
         R"({"error":"invalid_scope","error_description":"no such scope"})",
         {},
         "invalid_scope",
         "no such scope"},
        {404, "no such identity", {}, "http_error", "no such identity"},
        {429, R"({"message":"slow down"})", later, "rate_limited", "slow down"},
        {200, "", {}, "malformed_response", ""},
        {200, R"({"access_token":"a b","token_type":"Bearer"})", {}, "malformed_response", ""},
        {204, R"({"access_token":"a","token_type":"Bearer"})", {}, "malformed_response", ""},
        {0, "{}", {}, "malformed_response", ""},
    };
    for (auto const& row : rows)
        BOOST_TEST_CONTEXT(row.status << ' ' << row.body)
        {
            auto const got =
                coauth::parse_token_response(row.status, row.body, clock_type::now(), row.headers);
            BOOST_TEST(outcome(got) == row.code);
            BOOST_REQUIRE(!got);
            BOOST_TEST(got.error().description() == row.description);
            BOOST_TEST(got.error().http_status() == row.status);
            BOOST_TEST(got.error().attempts() == 0U);
            BOOST_TEST(got.error().retry_at().has_value() == !row.headers.empty());
        }
}

// Times that no clock gives.
BOOST_AUTO_TEST_CASE(the_time_of_the_request_may_be_any)
{
    std::string const body = R"({"access_token":"a","token_type":"Bearer","expires_in":3600})";
    BOOST_TEST(coauth::parse_token_response(200, body, clock_type::time_point::min())->expired());
    BOOST_TEST(coauth::parse_token_response(200, body, clock_type::time_point::max()).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
