#include "protocol/token_response.hpp"

#include "memory_watch.hpp"
#include "response_reading.hpp"

using namespace test;

BOOST_AUTO_TEST_SUITE(token_response)

namespace
{

std::vector<response_case> responses_with_various_tokens()
{
    return {
        {"plain", 200, document(""), "success"},
        {"201", 201, document(""), "success"},
        {"203", 203, document(""), "success"},
        {"202", 202, document(""), "malformed_response"},
        {"204 with a body", 204, document(""), "malformed_response"},
        {"205", 205, document(""), "malformed_response"},
        {"206", 206, document(""), "malformed_response"},
        {"207", 207, document(""), "malformed_response"},
        {"226", 226, document(""), "malformed_response"},
        {"299", 299, document(""), "malformed_response"},
        {"every character that may be", 200, document("", R"("!#$%&'()*+,-./:;<=>?@[]^_`{|}~")"),
         "success"},
        {"no type", 200, R"({"access_token":"tok.en-1"})", "success"},
        {"null type", 200, R"({"access_token":"tok.en-1","token_type":null})", "success"},
        {"BEARER", 200, R"({"access_token":"tok.en-1","token_type":"BEARER"})", "success"},
        {"error null", 200, document(",\"error\":null"), "success"},
        {"64 KiB", 200, document("", '"' + std::string(65'536, 't') + '"'), "success"},
        {"more than 64 KiB", 200, document("", '"' + std::string(65'537, 't') + '"'),
         "response_too_large"},
        {"missing", 200, R"({"token_type":"Bearer"})", "malformed_response"},
        {"null", 200, document("", "null"), "malformed_response"},
        {"number", 200, document("", "5"), "malformed_response"},
        {"array", 200, document("", "[\"tok.en-1\"]"), "malformed_response"},
        {"object", 200, document("", "{}"), "malformed_response"},
        {"empty", 200, document("", "\"\""), "malformed_response"},
        {"blank", 200, document("", "\" \""), "malformed_response"},
        {"space within", 200, document("", R"("tok.en-1 x")"), "malformed_response"},
        {"line break", 200, document("", R"("tok.en-1\r\nX: y")"), "malformed_response"},
        {"NUL", 200, document("", R"("tok.en-1\u0000")"), "malformed_response"},
        {"DEL", 200, document("", R"("tok.en-1\u007f")"), "malformed_response"},
        {"beyond ASCII", 200, document("", "\"tok.en-1\xC3\xA9\""), "malformed_response"},
        {"other case", 200, R"({"Access_Token":"tok.en-1","token_type":"Bearer"})",
         "malformed_response"},
        {"nested", 200, R"({"data":)" + document("") + "}", "malformed_response"},
        {"no body", 200, "", "malformed_response"},
        {"204", 204, "", "malformed_response"},
        {"HTML", 200, "<html>tok.en-1</html>", "malformed_response"},
        {"form", 200, "access_token=tok.en-1&token_type=bearer", "malformed_response"},
        {"twice", 200, document(",\"access_token\":\"other\""), "malformed_response"},
    };
}

std::vector<response_case> responses_with_various_members()
{
    return {
        {"type mac", 200, R"({"access_token":"tok.en-1","token_type":"mac"})",
         "unexpected_token_type"},
        {"type DPoP", 200, R"({"access_token":"tok.en-1","token_type":"DPoP"})",
         "unexpected_token_type"},
        {"type N_A", 200, R"({"access_token":"tok.en-1","token_type":"N_A"})",
         "unexpected_token_type"},
        {"empty type", 200, R"({"access_token":"tok.en-1","token_type":""})",
         "unexpected_token_type"},
        {"type 1", 200, R"({"access_token":"tok.en-1","token_type":1})", "malformed_response"},
        {"life true", 200, document(",\"expires_in\":true"), "malformed_response"},
        {"life {}", 200, document(",\"expires_in\":{}"), "malformed_response"},
        {"life 1e999", 200, document(",\"expires_in\":1e999"), "malformed_response"},
        {"scope of numbers", 200, document(",\"scope\":[1]"), "malformed_response"},
        {"scope 1", 200, document(",\"scope\":1"), "malformed_response"},
        {"scope {}", 200, document(",\"scope\":{}"), "malformed_response"},
        {"scope array with control", 200, document(R"(,"scope":["a\n"])"), "malformed_response"},
        {"error empty", 200, document(R"(,"error":"")"), "success"},
        {"error false", 200, document(",\"error\":false"), "success"},
        {"error true", 200, document(",\"error\":true"), "other_oauth_error"},
        {"error 0", 200, document(",\"error\":0"), "success"},
        {"error \"0\"", 200, document(R"(,"error":"0")"), "success"},
        {"error 0.0", 200, document(",\"error\":0.0"), "success"},
        {"error 1", 200, document(",\"error\":1"), "malformed_response"},
        {"error []", 200, document(",\"error\":[]"), "success"},
        {"error {}", 200, document(",\"error\":{}"), "success"},
        {"error of a member", 200, document(R"(,"error":{"type":"x"})"), "other_oauth_error"},
        {"error of a control", 200, document(R"(,"error":"\n")"), "malformed_response"},
        {"scope with control", 200, document(R"(,"scope":"a\nb")"), "malformed_response"},
        {"scope of 64 KiB", 200, document(",\"scope\":\"" + std::string(65'536, 's') + '"'),
         "success"},
    };
}

} // namespace

BOOST_AUTO_TEST_CASE(the_response_example_of_rfc_6749_is_read)
{
    // Section 4.4.3.
    auto const got = reading()(
        200, R"({"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"example","expires_in":3600,)"
             R"("example_parameter":"example_value"})");
    BOOST_TEST(outcome(got) == "unexpected_token_type");
    auto const bearer = reading()(
        200, R"({"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"bearer","expires_in":3600,)"
             R"("example_parameter":"example_value"})");
    BOOST_TEST_REQUIRE(bearer.has_value());
    BOOST_TEST(bearer->authorization() == "Bearer 2YotnFZFEjr1zCsicMWpAA");
    BOOST_TEST((bearer->lifetime() == 3600s));
    BOOST_TEST(*bearer->member("example_parameter") == "\"example_value\"");
    BOOST_TEST(bearer->members().size() == 1U);
}

BOOST_AUTO_TEST_CASE(the_lifetime_counts_from_the_time_of_sending)
{
    auto const got = reading()(200, document(",\"expires_in\":60"));
    BOOST_TEST_REQUIRE(got.has_value());
    BOOST_TEST((got->requested_at() == sent));
    BOOST_TEST((got->requested_at_steady() == sent_steady));
    BOOST_TEST((got->expires_at() == sent + 60s));
    BOOST_TEST(got->http_status() == 200U);
}

BOOST_AUTO_TEST_CASE(usable_tokens_are_accepted_and_others_refused)
{
    check_outcomes(reading(), responses_with_various_tokens());
    check_outcomes(reading(), responses_with_various_members());
}

BOOST_AUTO_TEST_CASE(a_character_that_no_header_field_may_have_is_found_anywhere)
{
    for (std::size_t size = 1; size <= 17; ++size)
        for (std::size_t at = 0; at < size; ++at)
            for (auto const& [character, expected] :
                 {std::pair{"\\u0000", "malformed_response"},
                  {"\\u001f", "malformed_response"},
                  {" ", "malformed_response"},
                  {"!", "success"},
                  {"~", "success"},
                  {"\\u007f", "malformed_response"},
                  {"\xC2\x80", "malformed_response"},
                  {"\xEF\xBF\xBF", "malformed_response"}})
            {
                auto token = std::string(size, 'z').replace(at, 1, character);
                auto const got = reading()(200, document("", '"' + token + '"'));
                BOOST_TEST(outcome(got) == expected, size << " characters, " << at << character);
            }
}

BOOST_AUTO_TEST_CASE(the_granted_scope_is_that_of_the_response_or_the_request)
{
    struct scope_case
    {
        char const* member;
        char const* expected;
    };
    reading read;
    read.request.scope("requested");
    for (auto const& row : std::vector<scope_case>{
             {"", "requested"},
             {",\"scope\":null", "requested"},
             {",\"scope\":\"\"", ""},
             {",\"scope\":\"less\"", "less"},
             {",\"scope\":[]", ""},
             {R"(,"scope":["a","b:c"])", "a b:c"},
             // Words that no scope may contain are dropped.
             {",\"scope\":\"a gr\xC3\xB6\xC3\x9F"
              "e b\"",
              "a b"},
             {",\"scope\":\"\xC3\xA9\"", ""},
             {",\"scope\":[\"\xC3\xA9\",\"c\"]", "c"},
             {",\"scope\":\"\\u00e9 d\"", "d"},
             {R"(,"scope":"a, b \"c\"")", "a, b \"c\""},
         })
        BOOST_TEST_CONTEXT(row.member)
        {
            auto const got = read(200, document(row.member));
            BOOST_TEST_REQUIRE(got.has_value());
            BOOST_TEST(got->scope() == row.expected);
        }
}

BOOST_AUTO_TEST_CASE(the_token_type_may_be_required)
{
    reading read;
    read.configuration.server.require_token_type = true;
    check_outcomes(
        read, {
                  {"no type", 200, R"({"access_token":"tok.en-1"})", "malformed_response"},
                  {"null type", 200, R"({"access_token":"tok.en-1","token_type":null})",
                   "malformed_response"},
                  {"bearer", 200, document(""), "success"},
              });
}

BOOST_AUTO_TEST_CASE(a_token_type_alias_is_accepted_as_bearer)
{
    auto const typed = [](std::string const& type)
    { return R"({"access_token":"tok.en-1","token_type":")" + type + "\"}"; };
    reading read;
    read.configuration.server.token_type_aliases = {"BearerToken", "Application Access Token"};
    for (auto const* const type : {"BearerToken", "application access token", "bearer"})
    {
        auto const got = read(200, typed(type));
        BOOST_TEST_REQUIRE(outcome(got) == "success");
        BOOST_TEST(got->token_type() == "Bearer");
        BOOST_TEST(got->authorization() == "Bearer tok.en-1");
    }
    BOOST_TEST(outcome(read(200, typed("mac"))) == "unexpected_token_type");
}

BOOST_AUTO_TEST_CASE(encoded_bodies_are_not_read)
{
    struct coding_case
    {
        char const* coding;
        char const* expected;
    };
    for (auto const& row : std::vector<coding_case>{
             {"gzip", "malformed_response"},
             {"br", "malformed_response"},
             {"identity, gzip", "malformed_response"},
             {"x-unknown", "malformed_response"},
             {"identity", "success"},
             {"Identity", "success"},
             {"", "success"},
         })
        BOOST_TEST_CONTEXT(row.coding)
        {
            reading read;
            read.headers.add("Content-Encoding", row.coding);
            BOOST_TEST(outcome(read(200, document(""))) == row.expected);
            // Error documents are not read either.
            BOOST_TEST(
                (outcome(read(400, R"({"error":"invalid_scope"})")) == "invalid_scope") ==
                (row.expected == "success"s));
        }
}

BOOST_AUTO_TEST_CASE(headers_are_kept_if_configured)
{
    reading read;
    read.headers.add("X-Request-Id", "7");
    BOOST_TEST(read(200, document(""))->headers().empty());
    BOOST_TEST(read(400, "").error().headers().empty());
    read.configuration.keep_headers = true;
    BOOST_TEST(*read(200, document(""))->headers().find("x-request-id") == "7");
    BOOST_TEST(*read(400, "").error().headers().find("X-REQUEST-ID") == "7");
}

BOOST_AUTO_TEST_CASE(tokens_are_wiped)
{
    constexpr char const* token = "correct-horse-battery-staple-0123456789";
    auto const quoted = '"' + std::string(token) + '"';
    std::vector<std::string> const bodies = {
        document("", quoted), document(",\"error\":\"x\"", quoted),
        document(",\"id_token\":" + quoted, quoted), document(",\"expires_in\":true", quoted)};
    reading const read;
    memory_watch const watch(token);
    for (auto const& body : bodies)
        (void)read(200, body);
    BOOST_TEST(watch.found() == 0U);
    BOOST_TEST(watch.released() != 0U);
}

BOOST_AUTO_TEST_SUITE_END()
