// What a token document or an error may say, from the wire to the caller. A selection: the parsers
// have tests of their own.

#include "fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace test;

namespace
{

struct row
{
    char const* name;
    unsigned status;
    std::string body;
    char const* expected;
};

void check(std::vector<row> const& rows)
{
    auto server = start();
    auto const config = server.config();
    for (auto const& row : rows)
        BOOST_TEST_CONTEXT(row.name)
        {
            server.push(answer::json(row.status, row.body));
            auto const got = fetch(config);
            BOOST_TEST(outcome(got) == row.expected);
            check_no_secret(got, "tok.en-1");
            if (!got)
                BOOST_TEST(got.error().http_status() == row.status);
        }
}

std::string token(std::string const& value, std::string const& more = {})
{
    return R"({"access_token":)" + value + R"(,"token_type":"Bearer")" + more + "}";
}

std::string nested(std::string const& opening, std::string const& closing)
{
    std::string out;
    for (int i = 0; i < 100'000; ++i)
        out += opening;
    for (int i = 0; i < 100'000 && !closing.empty(); ++i)
        out += closing;
    return token("\"tok.en-1\"", ",\"x\":" + out);
}

} // namespace

BOOST_AUTO_TEST_SUITE(document)

BOOST_AUTO_TEST_CASE(usable_tokens)
{
    check({
        {"all members", 200, token_body, "success"},
        {"no lifetime", 200, token("\"tok.en-1\""), "success"},
        {"bearer in lower case", 200, R"({"token_type":"bearer","access_token":"tok.en-1"})",
         "success"},
        {"white space", 200, " \r\n\t" + std::string(token_body) + "\n", "success"},
        {"token of 16 KiB", 200, token("\"" + std::string(16384, 't') + "\""), "success"},
        {"lifetime as text", 200, token("\"tok.en-1\"", R"(,"expires_in":"60")"), "success"},
    });
}

BOOST_AUTO_TEST_CASE(unusable_tokens)
{
    check({
        {"missing", 200, R"({"token_type":"Bearer"})", "malformed_answer"},
        {"null", 200, token("null"), "malformed_answer"},
        {"number", 200, token("5"), "malformed_answer"},
        {"empty", 200, token("\"\""), "malformed_answer"},
        {"line break", 200, token(R"("tok.en-1\r\nX: y")"), "malformed_answer"},
        {"NUL", 200, token(R"("tok.en-1\u0000")"), "malformed_answer"},
        {"space", 200, token(R"("tok.en-1 x")"), "malformed_answer"},
        {"beyond ASCII", 200, token("\"tok.en-1\xC3\xA9\""), "malformed_answer"},
        {"given twice", 200, token("\"tok.en-1\"", R"(,"access_token":"other")"),
         "malformed_answer"},
        {"in another member", 200, R"({"data":)" + std::string(token_body) + "}",
         "malformed_answer"},
        {"mac", 200, R"({"access_token":"tok.en-1","token_type":"mac"})", "unsupported_token_type"},
        {"lifetime true", 200, token("\"tok.en-1\"", R"(,"expires_in":true)"), "malformed_answer"},
        {"lifetime infinite", 200, token("\"tok.en-1\"", R"(,"expires_in":1e999)"),
         "malformed_answer"},
    });
}

BOOST_AUTO_TEST_CASE(what_is_no_document)
{
    check({
        {"empty", 200, "", "malformed_answer"},
        {"HTML", 200, "<html>It works</html>", "malformed_answer"},
        {"form", 200, "access_token=tok.en-1&token_type=bearer", "malformed_answer"},
        {"array", 200, "[" + std::string(token_body) + "]", "malformed_answer"},
        {"two documents", 200, std::string(token_body) + token_body, "malformed_answer"},
        {"byte order mark", 200, "\xEF\xBB\xBF" + std::string(token_body), "malformed_answer"},
        {"cut", 200, std::string(token_body, 40), "malformed_answer"},
        {"single quotes", 200, "{'access_token':'tok.en-1'}", "malformed_answer"},
        {"deep objects", 200, nested("{\"a\":", "}"), "malformed_answer"},
        {"deep arrays", 200, nested("[", "]"), "malformed_answer"},
        {"deep and unclosed", 200, nested("[", ""), "malformed_answer"},
        {"gzip", 200, std::string("\x1F\x8B\x08\0\0\0\0\0\0\x03", 10), "malformed_answer"},
    });
}

BOOST_AUTO_TEST_CASE(an_encoded_body_is_refused)
{
    auto server = start();
    auto encoded = answer::json(200, token_body);
    encoded.headers.add("Content-Encoding", "gzip");
    server.push(encoded);
    BOOST_TEST(outcome(fetch(server.config())) == "malformed_answer");
}

BOOST_AUTO_TEST_CASE(errors)
{
    check({
        {"flat", 400, R"({"error":"invalid_grant","error_description":"No."})", "invalid_grant"},
        {"flat with status 200", 200, R"({"error":"invalid_scope"})", "invalid_scope"},
        {"nested in the generic manner", 401, R"({"error":{"type":"invalid_client","code":1600}})",
         "invalid_client"},
        {"unknown word", 400, R"({"error":"odd_thing"})", "other_oauth_error"},
        {"error and token", 200,
         R"({"error":"access_denied","access_token":"tok.en-1","token_type":"Bearer"})",
         "access_denied"},
        {"token in a failure", 500, token_body, "http_error"},
        {"empty 403", 403, "", "http_error"},
        {"HTML 502", 502, "<html>Bad gateway</html>", "http_error"},
        {"429", 429, "", "rate_limited"},
        {"503 with a word", 503, R"({"error":"temporarily_unavailable"})",
         "temporarily_unavailable"},
        {"error of a wrong type", 400, R"({"error":5})", "http_error"},
    });
}

BOOST_AUTO_TEST_CASE(text_of_the_server_is_made_safe)
{
    auto server = start();
    server.push(answer::json(
        400, R"({"error":"invalid_request","error_description":"A\r\nB\u0000C\u001b[31m )" +
                 std::string("p:S 3+cr/%t&=\xC3\xBC~") + " " + basic_value + " " +
                 std::string(100'000, 'x') + "\"}"));
    auto const got = fetch(server.config());
    BOOST_REQUIRE_EQUAL(outcome(got), "invalid_request");
    check_no_secret(got);
    auto const message = got.error().message();
    BOOST_TEST(message.size() < 4096U);
    BOOST_TEST(got.error().description().size() <= 1024U);
    for (auto const& text : {message, std::string(got.error().description())})
        for (char const c : text)
            BOOST_TEST((static_cast<unsigned char>(c) >= 0x20 && c != 0x7F));
}

BOOST_AUTO_TEST_CASE(rubbish_in_retry_fields_gives_no_time)
{
    auto server = start();
    for (auto const* const value : {"-5", "soon", "1e3", "", "99999999999999999999999"})
        BOOST_TEST_CONTEXT(value)
        {
            auto a = answer::json(429, "");
            a.headers.add("Retry-After", value);
            a.headers.add("X-Rate-Limit-Reset", value);
            server.push(a);
            auto const now = std::chrono::system_clock::now();
            auto const got = fetch(server.config());
            BOOST_REQUIRE_EQUAL(outcome(got), "rate_limited");
            auto const at = got.error().retry_at();
            BOOST_TEST((!at || (*at >= now && *at <= now + 25h)));
        }
}

BOOST_AUTO_TEST_CASE(a_reset_time_of_the_server_is_kept)
{
    auto server = start();
    auto const now = std::chrono::system_clock::now();
    auto const reset =
        std::chrono::duration_cast<std::chrono::seconds>((now + 90s).time_since_epoch());
    auto a = answer::json(429, R"({"error":{"type":"rate_limit"}})");
    a.headers.add("X-Rate-Limit-Reset", std::to_string(reset.count()));
    server.push(a);
    auto const got = fetch(server.config());
    BOOST_REQUIRE_EQUAL(outcome(got), "rate_limited");
    BOOST_REQUIRE(got.error().retry_at());
    BOOST_TEST((*got.error().retry_at() > now + 85s));
    BOOST_TEST((*got.error().retry_at() < now + 95s));
}

BOOST_AUTO_TEST_SUITE_END()
