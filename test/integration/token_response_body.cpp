// Token and error responses from the wire to the caller. The parsers have more tests of their own.

#include "fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace test;

BOOST_AUTO_TEST_SUITE(token_response_body)

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
            server.push_response(response::json(row.status, row.body));
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

// Encodes each character in `size` bytes, little-endian or big-endian.
std::string wide(std::string_view text, std::size_t bytes, bool least_first)
{
    std::string out;
    for (char const c : text)
    {
        std::string const zeros(bytes - 1, '\0');
        out += least_first ? c + zeros : zeros + c;
    }
    return out;
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

BOOST_AUTO_TEST_CASE(usable_tokens_are_accepted)
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

BOOST_AUTO_TEST_CASE(unusable_tokens_are_refused)
{
    check({
        {"missing", 200, R"({"token_type":"Bearer"})", "malformed_response"},
        {"null", 200, token("null"), "malformed_response"},
        {"number", 200, token("5"), "malformed_response"},
        {"empty", 200, token("\"\""), "malformed_response"},
        {"line break", 200, token(R"("tok.en-1\r\nX: y")"), "malformed_response"},
        {"NUL", 200, token(R"("tok.en-1\u0000")"), "malformed_response"},
        {"space", 200, token(R"("tok.en-1 x")"), "malformed_response"},
        {"beyond ASCII", 200, token("\"tok.en-1\xC3\xA9\""), "malformed_response"},
        {"given twice", 200, token("\"tok.en-1\"", R"(,"access_token":"other")"),
         "malformed_response"},
        {"in another member", 200, R"({"data":)" + std::string(token_body) + "}",
         "malformed_response"},
        {"mac", 200, R"({"access_token":"tok.en-1","token_type":"mac"})", "unexpected_token_type"},
        {"lifetime true", 200, token("\"tok.en-1\"", R"(,"expires_in":true)"),
         "malformed_response"},
        {"lifetime infinite", 200, token("\"tok.en-1\"", R"(,"expires_in":1e999)"),
         "malformed_response"},
    });
}

BOOST_AUTO_TEST_CASE(bodies_that_are_no_json_object_are_refused)
{
    check({
        {"empty", 200, "", "malformed_response"},
        {"HTML", 200, "<html>It works</html>", "malformed_response"},
        {"form", 200, "access_token=tok.en-1&token_type=bearer", "malformed_response"},
        {"array", 200, "[" + std::string(token_body) + "]", "malformed_response"},
        {"two documents", 200, std::string(token_body) + token_body, "malformed_response"},
        {"byte order mark", 200, "\xEF\xBB\xBF" + std::string(token_body), "malformed_response"},
        {"cut", 200, std::string(token_body, 40), "malformed_response"},
        {"single quotes", 200, "{'access_token':'tok.en-1'}", "malformed_response"},
        {"deep objects", 200, nested("{\"a\":", "}"), "malformed_response"},
        {"deep arrays", 200, nested("[", "]"), "malformed_response"},
        {"deep and unclosed", 200, nested("[", ""), "malformed_response"},
        {"gzip", 200, std::string("\x1F\x8B\x08\0\0\0\0\0\0\x03", 10), "malformed_response"},
        {"deflate", 200, "\x78\x9C\xAB\x56", "malformed_response"},
        {"XML", 200, "<?xml version=\"1.0\"?><t><access_token>tok.en-1</access_token></t>",
         "malformed_response"},
        {"JSONP", 200, "callback(" + std::string(token_body) + ");", "malformed_response"},
        {"guarded JSON", 200, ")]}',\n" + std::string(token_body), "malformed_response"},
        {"opaque text", 200, "tok.en-1", "malformed_response"},
        {"JSON text", 200, "\"tok.en-1\"", "malformed_response"},
        {"NaN", 200, token("\"tok.en-1\"", R"(,"expires_in":NaN)"), "malformed_response"},
        {"comment", 200, "/**/" + std::string(token_body), "malformed_response"},
    });
}

// All of these responses contain the token, and no text of the library may.
BOOST_AUTO_TEST_CASE(utf_16_and_utf_32_bodies_are_refused)
{
    auto server = start();
    for (std::size_t const bytes : {2U, 4U})
        for (bool const least_first : {false, true})
            for (bool const marked : {false, true})
                BOOST_TEST_CONTEXT(bytes << " " << least_first << " " << marked)
                {
                    std::string const mark = least_first
                                                 ? std::string("\xFF\xFE\0\0", bytes)
                                                 : std::string("\0\0\xFE\xFF", 4).substr(4 - bytes);
                    auto const body = wide(token_body, bytes, least_first);
                    server.push_response(response::json(200, (marked ? mark : "") + body));
                    std::string shown;
                    auto config = server.config();
                    config.debug = [&](std::string_view text) { shown += text; };
                    BOOST_TEST(outcome(fetch(config)) == "malformed_response");
                    BOOST_TEST(shown.find("bytes that are not JSON") != std::string::npos, shown);
                    BOOST_TEST(shown.find(wide("tok", bytes, least_first)) == std::string::npos);
                }
}

BOOST_AUTO_TEST_CASE(an_encoded_body_is_refused)
{
    auto server = start();
    for (auto const* coding : {"gzip", "deflate", "br", "x-gzip"})
    {
        auto encoded = response::json(200, token_body);
        encoded.headers.add("Content-Encoding", coding);
        server.push_response(encoded);
        auto const got = fetch(server.config());
        BOOST_TEST(outcome(got) == "malformed_response");
        check_no_secret(got, "tok.en-1");
    }
}

BOOST_AUTO_TEST_CASE(a_list_of_scopes_is_accepted)
{
    auto server = start();
    server.push_response(response::json(200, token("\"tok.en-1\"", R"(,"scope":["a","b"])")));
    BOOST_TEST(require_token(fetch(server.config())).scope() == "a b");
}

// Errors of SMS.CX, which may have status 200.
BOOST_AUTO_TEST_CASE(nested_errors_keep_their_number)
{
    struct error_case
    {
        unsigned status;
        char const* type;
        char const* code;
        char const* expected;
    };
    auto server = start();
    for (auto const& row : std::vector<error_case>{
             {400, "invalid_request", "1600", "invalid_request"},
             {400, "invalid_scope", "1600", "invalid_scope"},
             {400, "unsupported_grant_type", "1600", "unsupported_grant_type"},
             {401, "invalid_client", "1600", "invalid_client"},
             {403, "insufficient_scope", "", "insufficient_scope"},
             {405, "invalid_method", "", "invalid_method"},
             {429, "rate_limit", "", "rate_limited"},
             {500, "server_error", "", "server_error"},
             {400, "no_coverage", "1119", "other_oauth_error"}})
        for (unsigned const status : {row.status, 200U})
            BOOST_TEST_CONTEXT(status << " " << row.type)
            {
                std::string const number = row.code;
                server.push_response(response::json(
                    status, R"({"error":{"type":")" + std::string(row.type) +
                                R"(","message":"Why.","uri":"https://sms.cx/docs")" +
                                (number.empty() ? "" : ",\"code\":" + number) + "}}"));
                auto const got = fetch(server.config());
                BOOST_REQUIRE_EQUAL(outcome(got), row.expected);
                auto const& e = got.error();
                BOOST_TEST(e.http_status() == status);
                BOOST_TEST(e.oauth_error() == row.type);
                BOOST_TEST(e.description() == "Why.");
                BOOST_TEST(e.uri() == "https://sms.cx/docs");
                BOOST_TEST(e.server_code().has_value() == !number.empty());
                if (!number.empty())
                    BOOST_TEST(std::to_string(e.server_code().value_or(0)) == number);
            }
}

BOOST_AUTO_TEST_CASE(invalid_members_of_an_error_are_dropped)
{
    auto server = start();
    for (auto const* odd : {"null", "5", "true", "[]", R"(["x"])", "{}", R"({"x":"y"})"})
        for (unsigned const status : {400U, 200U})
            BOOST_TEST_CONTEXT(odd << " " << status)
            {
                auto const value = std::string(odd);
                // Strings of a list are used; other types are ignored.
                std::string const text = value == R"(["x"])" ? "x" : "";
                server.push_response(response::json(
                    status, R"({"error":{"type":"invalid_scope","code":1600,"message":)" + value +
                                ",\"uri\":" + value + "}}"));
                auto const nested = fetch(server.config());
                BOOST_REQUIRE_EQUAL(outcome(nested), "invalid_scope");
                BOOST_TEST(nested.error().server_code().value_or(0) == 1600);
                BOOST_TEST(nested.error().description() == text);
                BOOST_TEST(nested.error().uri() == "");
                server.push_response(response::json(
                    status, R"({"error":"invalid_scope","error_description":)" + value +
                                ",\"error_uri\":" + value + "}"));
                auto const flat = fetch(server.config());
                BOOST_REQUIRE_EQUAL(outcome(flat), "invalid_scope");
                BOOST_TEST(flat.error().description() == text);
                BOOST_TEST(flat.error().uri() == "");
                if (value == "5")
                    continue;
                server.push_response(response::json(
                    status,
                    R"({"error":{"type":"invalid_scope","message":"m","code":)" + value + "}}"));
                auto const uncounted = fetch(server.config());
                BOOST_REQUIRE_EQUAL(outcome(uncounted), "invalid_scope");
                BOOST_TEST(!uncounted.error().server_code());
                BOOST_TEST(uncounted.error().description() == "m");
            }
}

BOOST_AUTO_TEST_CASE(a_token_in_an_error_response_is_neither_used_nor_shown)
{
    auto server = start();
    auto config = server.config();
    config.keep_headers = true;
    std::string shown;
    config.debug = [&](std::string_view text) { shown += text; };
    std::string const members = token_body + 1;
    for (unsigned const status : {301U, 400U, 401U, 403U, 404U, 408U, 429U, 500U, 503U})
        for (
            auto const& body : std::vector<std::string>{
                "{" + members,
                R"({"error":"invalid_scope","error_description":"for tok.en-1",)" + members,
                R"({"error":{"type":"invalid_scope","access_token":"tok.en-1","message":"tok.en-1"},)" +
                    members,
                "access_token=tok.en-1&token_type=bearer"})
            BOOST_TEST_CONTEXT(status << " " << body)
            {
                auto failed = response::json(status, body);
                failed.headers.add("X-Token", "tok.en-1");
                server.push_response(failed);
                auto const got = fetch(config);
                BOOST_TEST(!got);
                check_no_secret(got, "tok.en-1");
                BOOST_TEST(got.error().headers().count("X-Token") == 1U);
            }
    BOOST_TEST(shown.find("tok.en-1") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_challenge_is_read_if_the_body_is_empty)
{
    auto server = start();
    auto refused = response::json(401, "");
    refused.headers.add("WWW-Authenticate", R"(Basic realm="x")");
    refused.headers.add("WWW-Authenticate", R"(Bearer error="invalid_client")");
    server.push_response(refused);
    auto const got = fetch(server.config());
    BOOST_TEST(outcome(got) == "invalid_client");
    BOOST_TEST(got.error().oauth_error() == "invalid_client");
    server.push_response(response::json(401, ""));
    auto const bare = fetch(server.config());
    BOOST_TEST(outcome(bare) == "http_error");
    BOOST_TEST(bare.error().is_authentication_failure());
}

BOOST_AUTO_TEST_CASE(oauth_errors_become_typed_errors)
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

BOOST_AUTO_TEST_CASE(texts_of_the_server_are_sanitized)
{
    auto server = start();
    server.push_response(response::json(
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

// In every encoding, JSON escapes included, and in every part of the response.
BOOST_AUTO_TEST_CASE(credentials_that_are_repeated_are_not_shown)
{
    auto chosen = options();
    std::string const plain = "hush \"quoted\" \\ back/slash";
    std::string const json = R"(hush \"quoted\" \\ back/slash)";
    chosen.client_secret = plain;
    auto server = start(std::move(chosen));
    auto config = server.config();
    config.authentication =
        coauth::client_authentication::client_secret_post(client_id, coauth::secret(plain));
    std::string shown;
    config.debug = [&](std::string_view text) { shown += text; };
    for (unsigned const status : {200U, 400U, 500U})
        for (auto const& body : std::vector<std::string>{
                 R"({"error":"x","error_description":"got J"})", R"({"error":"J"})",
                 R"({"error":{"type":"x","message":"J","uri":"J"}})",
                 R"({"error":{"type":"J","code":1600}})", R"({"error":"x","error":"J"})",
                 R"({"token_type":"J","access_token":"t"})", R"({"detail":"J","title":"x"})",
                 R"({"error":"x","error_description":{"y":"J"}})", "<html>J</html>", "J",
                 "client_secret=hush+%22quoted%22+%5C+back%2Fslash"})
            BOOST_TEST_CONTEXT(status << " " << body)
            {
                auto text = body;
                for (auto i = text.find('J'); i != std::string::npos; i = text.find('J'))
                    text.replace(i, 1, json);
                auto echo = response::json(status, text);
                echo.headers.add("X-Echo", plain);
                server.push_response(echo);
                auto const got = fetch(config);
                BOOST_REQUIRE(!got);
                for (auto const* part : {"hush", "quoted", "back"})
                {
                    check_no_secret(got, part);
                    BOOST_TEST(shown.find(part) == std::string::npos, shown);
                }
                shown.clear();
            }
}

BOOST_AUTO_TEST_CASE(texts_for_logs_are_limited)
{
    auto server = start();
    std::string const big(100'000, 'x');
    for (auto const& body : std::vector<std::string>{
             R"({"error":"x","error_description":")" + big + R"(","error_uri":")" + big +
                 R"(","scope":")" + big + "\"}",
             big})
    {
        auto failed = response::json(400, body);
        for (int i = 0; i < 20; ++i)
            failed.headers.add("X-" + std::to_string(i), std::string(2000, 'y'));
        server.push_response(failed);
        std::size_t longest = 0;
        auto config = server.config();
        config.debug = [&](std::string_view text) { longest = std::max(longest, text.size()); };
        auto const got = fetch(config);
        BOOST_REQUIRE(!got);
        BOOST_TEST(got.error().message().size() <= 4096U);
        BOOST_TEST(longest <= 4096U);
    }
}

BOOST_AUTO_TEST_CASE(invalid_retry_fields_give_no_retry_time)
{
    auto server = start();
    for (auto const* const value : {"-5", "soon", "1e3", "", "99999999999999999999999"})
        BOOST_TEST_CONTEXT(value)
        {
            auto a = response::json(429, "");
            a.headers.add("Retry-After", value);
            a.headers.add("X-Rate-Limit-Reset", value);
            server.push_response(a);
            auto const now = std::chrono::system_clock::now();
            auto const got = fetch(server.config());
            BOOST_REQUIRE_EQUAL(outcome(got), "rate_limited");
            auto const at = got.error().retry_at();
            BOOST_TEST((!at || (*at >= now && *at <= now + 25h)));
        }
}

BOOST_AUTO_TEST_CASE(a_rate_limit_reset_time_is_returned)
{
    auto server = start();
    auto const now = std::chrono::system_clock::now();
    auto const reset =
        std::chrono::duration_cast<std::chrono::seconds>((now + 90s).time_since_epoch());
    auto a = response::json(429, R"({"error":{"type":"rate_limit"}})");
    a.headers.add("X-Rate-Limit-Reset", std::to_string(reset.count()));
    server.push_response(a);
    auto const got = fetch(server.config());
    BOOST_REQUIRE_EQUAL(outcome(got), "rate_limited");
    BOOST_REQUIRE(got.error().retry_at());
    BOOST_TEST((*got.error().retry_at() > now + 85s));
    BOOST_TEST((*got.error().retry_at() < now + 95s));
}

BOOST_AUTO_TEST_CASE(a_retry_time_with_status_200_is_returned)
{
    auto server = start();
    for (auto const* word : {"rate_limit", "temporarily_unavailable"})
    {
        auto a = response::json(200, R"({"error":{"type":")" + std::string(word) + "\"}}");
        a.headers.add("Retry-After", "90");
        server.push_response(a);
        auto const now = std::chrono::system_clock::now();
        auto const got = fetch(server.config());
        BOOST_REQUIRE(!got);
        BOOST_REQUIRE(got.error().retry_at());
        BOOST_TEST((*got.error().retry_at() > now + 85s));
    }
}

BOOST_AUTO_TEST_SUITE_END()
