// Token and introspection responses with unusual values. A value that has one sensible meaning is
// read; only a value that could mean several things costs the token.

#include "response_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <vector>

using namespace test;

BOOST_AUTO_TEST_SUITE(tokens)

namespace
{

constexpr char const* json = "application/json";

response token_with(std::string const& more)
{
    return document(200, json, R"({"access_token":"tok.en-1","token_type":"Bearer")" + more + "}");
}

} // namespace

BOOST_AUTO_TEST_CASE(unusual_lifetimes_are_read_or_rejected)
{
    struct row
    {
        char const* json;
        // Seconds; -1: no known end; -2: malformed.
        std::int64_t expected;
    };
    scripted_server server;
    for (auto const& row : std::vector<row>{
             {"3600", 3600},
             {"\"3600\"", 3600},
             {"\" 3600 \"", 3600},
             {"\"3600\\n\"", 3600},
             {"\"3600.7\"", 3600},
             {"3600.7", 3600},
             {"3.6e3", 3600},
             {"\" never \"", -1},
             {"null", -1},
             {"\"36 00\"", -2},
             {"\"\"", -2},
             {"\"1h\"", -2},
             {"true", -2},
         })
        BOOST_TEST_CONTEXT(row.json)
        {
            auto const got = server.get_token(token_with(",\"expires_in\":"s + row.json));
            BOOST_TEST_REQUIRE(
                outcome(got) == (row.expected == -2 ? "malformed_response" : "success"));
            if (got)
                BOOST_TEST((got->lifetime() ? got->lifetime()->count() : -1) == row.expected);
        }
}

// The words of a scope that cannot be written in a request (RFC 6749 section 3.3) are dropped: the
// returned scope is then incomplete, but the token is more important.
BOOST_AUTO_TEST_CASE(unusual_words_of_a_scope_are_dropped)
{
    scripted_server server;
    for (auto const& [member, scope] : std::vector<std::pair<char const*, char const*>>{
             {R"(,"scope":"a b")", "a b"},
             {",\"scope\":\"lesen gr\xC3\xB6\xC3\x9F"
              "e schreiben\"",
              "lesen schreiben"},
             {",\"scope\":\"\xC3\xA9\"", ""},
             {R"(,"scope":"\u00e9 a")", "a"},
             {",\"scope\":[\"a\",\"\xE2\x82\xAC\"]", "a"},
         })
        BOOST_TEST_CONTEXT(member)
        {
            auto const got = server.get_token(token_with(member));
            BOOST_TEST_REQUIRE(outcome(got) == "success");
            BOOST_TEST(got->scope() == scope);
        }
    BOOST_TEST(outcome(server.get_token(token_with(R"(,"scope":"a\nb")"))) == "malformed_response");
}

BOOST_AUTO_TEST_CASE(an_error_that_is_none_does_not_hide_a_token)
{
    scripted_server server;
    for (auto const* none : {"0", "0.0", "\"0\"", "false", "null", "\"\""})
        BOOST_TEST(outcome(server.get_token(token_with(",\"error\":"s + none))) == "success", none);
    for (auto const* error : {"1", "true", "\"x\"", "{\"type\":\"x\"}"})
        BOOST_TEST(
            outcome(server.get_token(token_with(",\"error\":"s + error))) != "success", error);
}

BOOST_AUTO_TEST_CASE(inactive_tokens_are_distinguished_from_errors)
{
    scripted_server server;
    for (auto const* body :
         {R"({"active":false})", R"({"active":false,"error":"invalid_token"})",
          R"({"active":false,"error":"expired","error_description":"Expired"})",
          R"({"active":false,"error":{"type":"x"}})", R"({"active":false,"exp":"soon","scope":5})"})
        BOOST_TEST_CONTEXT(body)
        {
            auto const got = server.introspect(document(200, json, body));
            BOOST_TEST_REQUIRE(outcome(got) == "success");
            BOOST_TEST(!got->active);
            BOOST_TEST(got->scope.empty());
        }
    for (auto const& [status, body] : std::vector<std::pair<unsigned, char const*>>{
             {200, R"({"active":true,"error":"invalid_client"})"},
             {200, R"({"error":"invalid_client"})"},
             {401, R"({"active":false,"error":"invalid_client"})"}})
        BOOST_TEST(
            outcome(server.introspect(document(status, json, body))) == "invalid_client", body);
}

// As for `expires_in`: by default, zero and negative values are for a single use, which means here
// that the token has expired and must not be cached.
BOOST_AUTO_TEST_CASE(the_expiry_of_an_active_token_is_read)
{
    using coauth::expires_in_rule;
    using time_point = std::chrono::system_clock::time_point;
    scripted_server server;
    auto const expiry = [&](std::string const& exp)
    {
        auto const got =
            server.introspect(document(200, json, R"({"active":true,"exp":)" + exp + "}"));
        BOOST_TEST_REQUIRE(outcome(got) == "success");
        return got->expires_at;
    };
    for (auto const* exp : {"0", "-1", "\"0\"", "\" -1 \"", "-1e9"})
        BOOST_TEST((expiry(exp) == time_point()), exp);
    for (auto const* exp : {"4102444800", "\"4102444800\"", "\" 4102444800 \"", "4.1024448e9"})
        BOOST_TEST((expiry(exp) == time_point(4102444800s)), exp);
    BOOST_TEST(!expiry("null").has_value());
    BOOST_TEST(
        outcome(server.introspect(document(200, json, R"({"active":true,"exp":"soon"})"))) ==
        "malformed_response");
}

BOOST_AUTO_TEST_CASE(no_text_mentions_a_token_document)
{
    scripted_server server;
    for (auto const& scripted :
         {document(200, json, "{}"), document(200, json, "[]"), document(200, json, "")})
    {
        auto const got = server.introspect(scripted);
        BOOST_TEST_REQUIRE(outcome(got) == "malformed_response");
        BOOST_TEST(!contains(got.error().message(), "token"), got.error().message());
        BOOST_TEST(!contains(server.get_error(scripted).message(), "token document"));
    }
}

BOOST_AUTO_TEST_SUITE_END()
