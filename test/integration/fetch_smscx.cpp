// Tokens and errors of SMS.CX.

#include "fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <optional>
#include <string>

using namespace test;

BOOST_AUTO_TEST_SUITE(fetch_smscx)

using coauth::client_authentication;
using coauth::testing::server_flavor;

namespace
{

server_options smscx_options()
{
    auto chosen = options();
    chosen.flavor = server_flavor::smscx;
    return chosen;
}

} // namespace

BOOST_AUTO_TEST_CASE(tokens_and_errors_of_the_smscx_flavor_are_understood)
{
    auto const server = start(smscx_options());
    auto const got = test::fetch(server.config(), coauth::token_request().scope("read"));
    BOOST_TEST(require_token(got).scope() == "read");

    auto wrong_secret = server.config();
    wrong_secret.authentication =
        client_authentication::client_secret_basic_unencoded(client_id, "another secret");
    auto const refused = test::fetch(wrong_secret);
    BOOST_REQUIRE_EQUAL(outcome(refused), "invalid_client");
    BOOST_TEST(refused.error().oauth_error() == "invalid_client");
    BOOST_TEST((refused.error().server_code() == 1600));
    BOOST_TEST(refused.error().uri() == "https://sms.cx/docs/errors");

    auto const unknown = test::fetch(server.config(), coauth::token_request().scope("nope"));
    BOOST_REQUIRE_EQUAL(outcome(unknown), "invalid_scope");
    BOOST_TEST((unknown.error().server_code() == 1600));
}

// Every row of the provider's error table for the token endpoint.
BOOST_AUTO_TEST_CASE(every_row_of_the_error_table_is_a_typed_error)
{
    struct row
    {
        unsigned status;
        char const* type;
        std::optional<int> code;
        char const* expected;
    };
    row const rows[] = {
        {400, "invalid_request", 1600, "invalid_request"},
        {400, "invalid_scope", 1600, "invalid_scope"},
        {400, "unsupported_grant_type", 1600, "unsupported_grant_type"},
        {401, "invalid_client", 1600, "invalid_client"},
        {403, "insufficient_scope", std::nullopt, "insufficient_scope"},
        {405, "invalid_method", std::nullopt, "invalid_method"},
        {429, "rate_limit", std::nullopt, "rate_limited"},
        {500, "server_error", std::nullopt, "server_error"},
        {403, "access_denied", 1118, "access_denied"},
        {400, "never_heard_of", 9999, "other_oauth_error"},
    };
    auto server = start(smscx_options());
    for (auto const& row : rows)
        BOOST_TEST_CONTEXT(row.status << " " << row.type)
        {
            std::string document = R"({"error":{"type":")" + std::string(row.type) +
                                   R"(","message":"Text.","uri":"https://sms.cx/e")";
            if (row.code)
                document += ",\"code\":" + std::to_string(*row.code);
            server.push_response(response::json(row.status, document + "}}"));
            auto const got = test::fetch(server.config());
            BOOST_REQUIRE_EQUAL(outcome(got), row.expected);
            BOOST_TEST(got.error().http_status() == row.status);
            BOOST_TEST(got.error().oauth_error() == row.type);
            BOOST_TEST(got.error().description() == "Text.");
            BOOST_TEST((got.error().server_code() == row.code));
        }
}

BOOST_AUTO_TEST_CASE(never_zero_and_null_mean_no_known_end)
{
    auto server = start(smscx_options());
    for (auto const* const text : {"0", "-1", "null", "\"never\"", "\"Never\""})
        BOOST_TEST_CONTEXT(text)
        {
            server.push_response(response::json(
                200, R"({"access_token":"t","token_type":"Bearer","expires_in":)" +
                         std::string(text) + "}"));
            auto const got = test::fetch(server.config());
            BOOST_TEST(!require_token(got).lifetime());
            BOOST_TEST(!got->expired());
        }
}

BOOST_AUTO_TEST_SUITE_END()
