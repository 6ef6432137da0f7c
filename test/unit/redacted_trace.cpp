#include "protocol/redacted_trace.hpp"

#include "protocol/config_validation.hpp"
#include "protocol/http_request.hpp"
#include "support.hpp"

#include <algorithm>
#include <ctime>
#include <limits>

using namespace test;

BOOST_AUTO_TEST_SUITE(redacted_trace)

using coauth::client_authentication;
using coauth::protocol::redact_response;
using coauth::protocol::sanitize;

namespace
{

std::string
shown_request(client_authentication const& authentication, coauth::token_request const& request)
{
    auto configuration = config();
    configuration.authentication = authentication;
    auto const endpoint = coauth::protocol::check_config(configuration);
    auto const wire = build_token_request(configuration, *endpoint, request);
    BOOST_TEST_REQUIRE(wire.has_value());
    return coauth::protocol::redact_request(*wire);
}

std::string shown_response(unsigned status, coauth::http_headers headers, std::string_view body)
{
    coauth::http_response response;
    response.status = status;
    response.headers = std::move(headers);
    response.body = coauth::secret(body);
    return redact_response(response, config().authentication);
}

void check_no_secret(std::string_view shown)
{
    for (std::string_view const part :
         {std::string_view(client_secret), std::string_view(basic_value),
          std::string_view(raw_basic_value), "p%3AS+3%2Bcr%2F%25t%26%3D%C3%BC%7E"sv})
        check_lacks(shown, part);
}

// Of this thread: other processes do not count.
double cpu_seconds(std::size_t size)
{
    std::string text;
    while (text.size() < size)
        text += "eyJ";
    coauth::protocol::redactor const secrets(config().authentication);
    auto const now = []
    {
        timespec time{};
        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
    };
    auto best = std::numeric_limits<double>::max();
    for (int i = 0; i < 5; ++i)
    {
        std::string copy = text;
        auto const began = now();
        secrets.redact(copy);
        best = std::min(best, now() - began);
    }
    return best;
}

} // namespace

BOOST_AUTO_TEST_CASE(requests_are_masked)
{
    using auth = client_authentication;
    coauth::secret const password(client_secret);
    auto const request =
        coauth::token_request().scope("a b").audience("au").parameter("password", "hush-hush");
    struct row
    {
        char const* name;
        auth authentication;
        char const* shown;
    };
    for (auto const& row : std::vector<row>{
             {"basic", auth::client_secret_basic(client_id, password),
              "Authorization: Basic ***\n"},
             {"raw", auth::client_secret_basic_unencoded(client_id, password),
              "Authorization: Basic ***\n"},
             {"post", auth::client_secret_post(client_id, password), "&client_secret=***"},
             {"none", auth::none(client_id), "&client_id=app%2B1"},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            auto const shown = shown_request(row.authentication, request);
            check_contains(shown, row.shown);
            check_contains(shown, "POST /oauth/token HTTP/1.1\nHost: as.example.com\n");
            check_contains(shown, "\n\ngrant_type=client_credentials&scope=a+b&audience=au");
            check_contains(shown, "&password=***");
            check_lacks(shown, "hush-hush");
            check_no_secret(shown);
        }
}

BOOST_AUTO_TEST_CASE(tokens_in_responses_are_masked)
{
    coauth::http_headers headers;
    headers.add("Content-Type", "application/json");
    headers.add("Set-Cookie", "session=hush-hush");
    headers.add("X-Access-Token", "hush-hush");
    headers.add("Authentication-Info", "hush-hush");
    auto const shown = shown_response(
        200, headers,
        R"({"access_token":"hush-hush","token_type":"Bearer","expires_in":60,"scope":"a b",)"
        R"("refresh_token":"hush-hush","id_token":"hush-hush","extra":{"x":"hush-hush"}})");
    check_lacks(shown, "hush-hush");
    for (auto const* part :
         {"HTTP/1.1 200\n", "Content-Type: application/json\n", "Set-Cookie: ***\n",
          R"("access_token": "***")", R"("token_type": "Bearer")", R"("expires_in": 60)",
          R"("scope": "a b")", R"("extra": "***")"})
        check_contains(shown, part);
}

BOOST_AUTO_TEST_CASE(repeated_credentials_are_masked)
{
    for (auto const* echoed :
         {client_secret, basic_value, raw_basic_value, "p%3AS+3%2Bcr%2F%25t%26%3D%C3%BC%7E"})
        BOOST_TEST_CONTEXT(echoed)
        {
            coauth::http_headers headers;
            headers.add("X-Echo", echoed);
            check_no_secret(shown_response(
                400, headers,
                R"({"error":"invalid_client","error_description":")"s + echoed + "\"}"));
            check_no_secret(shown_response(400, headers, "You sent "s + echoed + "."));
        }
}

BOOST_AUTO_TEST_CASE(secrets_are_masked_in_responses_without_json)
{
    check_contains(shown_response(502, {}, "<h1>Bad gateway</h1>"), "<h1>Bad gateway</h1>");
    auto const form = shown_response(200, {}, "access_token=hush-hush");
    check_lacks(form, "hush-hush");
    check_contains(form, "22 bytes that are not JSON");
    auto const controls = shown_response(
        500, {},
        "a\x1b[31mb\r\nc\xC2\x9B"
        "d");
    check_lacks(controls, "\x1b");
    check_lacks(controls, "\xC2\x9B");
    BOOST_TEST(shown_response(500, {}, std::string(1'000'000, 'x')).size() < 4096U);
}

BOOST_AUTO_TEST_CASE(control_characters_are_removed_from_traces)
{
    auto const authentication = config().authentication;
    struct row
    {
        char const* name;
        std::string text;
        std::string safe;
    };
    for (auto const& row : std::vector<row>{
             {"plain", "No such client.", "No such client."},
             {"controls", "a\r\n\tb\0c\x1b[1m\x7f"s, "a   b c [1m "},
             {"C1 controls",
              "a\xC2\x85\xC2\x9B"
              "b",
              "a    b"},
             {"UTF-8 stays", "\xC3\xA9\xC2\xA0\xE2\x82\xAC", "\xC3\xA9\xC2\xA0\xE2\x82\xAC"},
             {"the secret", "Your secret "s + client_secret + " is wrong",
              "Your secret *** is wrong"},
             {"its Basic form", "Got Basic "s + basic_value, "Got Basic ***"},
             {"its raw Basic form", "Got Basic "s + raw_basic_value, "Got Basic ***"},
             {"cut at 1 KiB", std::string(5000, 'x'), std::string(1024, 'x')},
             {"cut between characters", std::string(1023, 'x') + "\xC3\xA9",
              std::string(1023, 'x')},
             {"the secret with a control for its space",
              "Your p:S\x01" + std::string(client_secret + 4), "Your ***"},
             {"a JWT", "got eyJh.eyJz.c2ln, that is", "got ***, that is"},
             {"what only begins like one", "got eyJheyJz.c2ln", "got eyJheyJz.c2ln"},
             {"a secret across the cut", std::string(1020, 'x') + client_secret,
              std::string(1020, 'x') + "***"},
         })
        BOOST_TEST_CONTEXT(row.name)
    BOOST_TEST(sanitize(row.text, authentication) == row.safe);
}

BOOST_AUTO_TEST_CASE(a_repeated_token_is_masked)
{
    auto const authentication = config().authentication;
    BOOST_TEST(sanitize("for tok.en-1, at", authentication, "tok.en-1") == "for ***, at");
    // Neither is the part before the cut.
    std::string const long_token(3000, 't');
    BOOST_TEST(sanitize("for " + long_token, authentication, long_token) == "for ***");
    auto const shown = shown_response(
        200, {}, R"({"access_token":"a\"b\\c.1","scope":"x a\"b\\c.1","error":"a\"b\\c.1"})");
    check_contains(shown, R"("scope": "x ***")");
    check_lacks(shown, "c.1");
}

BOOST_AUTO_TEST_CASE(a_secret_escaped_in_json_is_masked)
{
    auto configuration = config();
    configuration.authentication =
        client_authentication::client_secret_basic("id", coauth::secret("hush\"\\hush"));
    coauth::http_response response;
    response.body = coauth::secret(R"({"error_description":"no hush\"\\hush"})");
    check_lacks(redact_response(response, configuration.authentication), "hush");
}

BOOST_AUTO_TEST_CASE(a_success_without_json_is_not_shown)
{
    std::string const wide("h\0u\0s\0h\0", 8);
    for (auto const& body : std::vector<std::string>{
             "hush-hush", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2lnbmF0dXJl", wide,
             "\xFF\xFE" + wide, "<hush>x</hush>", "call({\"hush\":1})", "\x1F\x8B\x08hush"})
    {
        auto const shown = shown_response(200, {}, body);
        check_contains(shown, std::to_string(body.size()) + " bytes that are not JSON");
        for (auto const* part : {"hush", "eyJ", "\x1F"})
            check_lacks(shown, part);
        check_lacks(shown, std::string_view("h\0u", 3));
    }
    // Nor is a failure that is not text.
    check_contains(shown_response(400, {}, wide), "8 bytes that are not JSON");
    coauth::http_headers coded;
    coded.add("Content-Encoding", "br");
    coded.add("Content-Type", "text/plain");
    check_contains(
        shown_response(400, coded, "hush"), "4 bytes that are compressed or encoded, text/plain");
    check_contains(shown_response(200, coded, "{}"), "2 bytes that are compressed");
}

BOOST_AUTO_TEST_CASE(members_of_a_nested_error_are_shown)
{
    auto const shown = shown_response(
        400, {},
        R"({"error":{"type":"t","message":"m","code":1600,"uri":"u","access_token":"hush",)"
        R"("debug":{"x":"hush"}},"scope":["hush"],"error_description":{"x":"hush"}})");
    check_contains(
        shown, R"("error": {"type": "t", "message": "m", "code": 1600, "uri": "u", )"
               R"("access_token": "***", "debug": "***"}, "scope": "***")");
    check_lacks(shown, "hush");
    check_contains(shown_response(400, {}, R"({"error":{}})"), R"({"error": "***"})");
    check_contains(
        shown_response(400, {}, R"({"error":[{"message":"m"}]})"), R"({"error": "***"})");
}

// Also where the body is not parsed as JSON.
BOOST_AUTO_TEST_CASE(a_secret_in_every_encoding_is_masked)
{
    auto configuration = config();
    std::string const plain = "hush\"\\ *~<&>'hush";
    configuration.authentication =
        client_authentication::client_secret_basic("id", coauth::secret(plain));
    for (auto const* body :
         {R"({"error":{"type":"x","message":"no hush\"\\ *~<&>'hush"}})",
          R"({"error":"hush\u0022\u005c\u0020*~<&>'hush"})",
          R"({"error":"x","error":"hush\u0022"})", "no hush\"\\ *~<&>'hush",
          "no hush%22%5C+*%7E%3C%26%3E%27hush", "no hush%22%5C%20%2A~%3C%26%3E%27hush",
          "<p>hush&quot;\\ *~&lt;&amp;&gt;&#39;hush</p>", R"([{"x":"hush\u0022"}])",
          R"("hush\u0022")"})
        BOOST_TEST_CONTEXT(body)
        {
            coauth::http_response response;
            response.status = 400;
            response.headers.add("X-Echo", plain);
            response.body = coauth::secret(body);
            auto const shown = redact_response(response, configuration.authentication);
            check_lacks(shown, "hush");
            check_contains(shown, "***");
        }
}

BOOST_AUTO_TEST_CASE(values_of_header_fields_are_masked)
{
    auto configuration = config();
    configuration.headers = {
        {"x-api-key", "k y/1"}, {"User-Id", "u-4711"}, {"traceparent", "00-1-2-01"}};
    auto const endpoint = coauth::protocol::check_config(configuration);
    auto const wire = build_token_request(configuration, *endpoint, {});
    BOOST_TEST_REQUIRE(outcome(wire) == "success");
    auto const shown = coauth::protocol::redact_request(*wire);
    check_contains(shown, "\nx-api-key: ***\nUser-Id: ***\ntraceparent: 00-1-2-01\n");
    check_contains(shown, "\nAccept: application/json\n");
    coauth::http_response response;
    response.status = 400;
    response.body =
        coauth::secret(R"({"error":"x","error_description":"no key k%20y%2F1 of u-4711"})");
    check_contains(
        redact_response(response, configuration.authentication, wire->view()), "no key *** of ***");
}

BOOST_AUTO_TEST_CASE(secrets_of_the_request_are_masked)
{
    auto configuration = config();
    configuration.authentication =
        client_authentication::client_secret_post("id", coauth::secret("word"));
    auto const endpoint = coauth::protocol::check_config(configuration);
    auto const request = coauth::token_request::token_exchange(coauth::secret("sub\"j/1"), "urn:x")
                             .scope("scope-1")
                             .parameter("pin", "p-1234");
    auto const wire = build_token_request(configuration, *endpoint, request);
    BOOST_TEST_REQUIRE(outcome(wire) == "success");
    coauth::protocol::redactor secrets(configuration.authentication);
    secrets.add_request(wire->view());
    BOOST_TEST(
        secrets.sanitize(R"(sub"j/1 sub%22j%2F1 sub\"j/1 p-1234 word scope-1 urn:x id)") ==
        "*** *** *** *** *** scope-1 urn:x id");
    coauth::http_response response;
    response.status = 400;
    response.body = coauth::secret(R"({"error":"x","error_description":"sub\"j/1 is old"})");
    check_contains(
        redact_response(response, configuration.authentication, wire->view()), "*** is old");
}

BOOST_AUTO_TEST_CASE(long_responses_are_cut)
{
    std::string const big(100'000, 'x');
    coauth::http_headers headers;
    for (int i = 0; i < 1000; ++i)
        headers.add("X-" + std::to_string(i), big);
    BOOST_TEST(shown_response(400, headers, "").size() == 4096U);
    auto const body = R"({"error":"x","error_description":")" + big + R"(","error_uri":")" + big +
                      R"(","scope":")" + big + R"(","error_code":)" + std::string(5000, '7') + "}";
    auto const shown = shown_response(400, {}, body);
    BOOST_TEST(shown.size() <= 4096U);
    check_contains(shown, std::string(1024, 'x') + '"');
    std::string many = "{";
    for (int i = 0; i < 900; ++i)
        many += "\"member" + std::to_string(i) + "\":1,";
    auto const cut = shown_response(200, {}, many + "\"last\":1}");
    BOOST_TEST(cut.size() == 4096U);
    BOOST_TEST(cut.ends_with("..."));
}

// Masking moves the end of the input, which may be half a token, towards the beginning.
BOOST_AUTO_TEST_CASE(half_a_token_at_the_end_is_removed)
{
    std::string const token = "t" + std::string(2998, 'o') + "k";
    std::string text;
    for (int i = 0; i < 6; ++i)
        text += token;
    check_lacks(sanitize(text, config().authentication, token), "oo");
}

// Quadratic time would be 256 times as much.
BOOST_AUTO_TEST_CASE(redaction_takes_linear_time)
{
    BOOST_TEST(cpu_seconds(160'000) < 64 * cpu_seconds(10'000));
}

BOOST_AUTO_TEST_CASE(a_short_secret_is_not_masked)
{
    auto const authentication =
        client_authentication::client_secret_basic("id", coauth::secret("e"));
    BOOST_TEST(sanitize("the text", authentication) == "the text");
}

BOOST_AUTO_TEST_SUITE_END()
