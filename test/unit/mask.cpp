#include "protocol/mask.hpp"

#include "protocol/request.hpp"
#include "protocol/validate.hpp"
#include "support.hpp"

using namespace test;
using coauth::client_authentication;
using coauth::protocol::masked_answer;
using coauth::protocol::safe_text;

namespace
{

std::string shown_request(client_authentication const& who, coauth::token_request const& request)
{
    auto made = config();
    made.authentication = who;
    auto const where = coauth::protocol::check_config(made);
    auto const wire = build_token_request(made, *where, request);
    BOOST_TEST_REQUIRE(wire.has_value());
    return coauth::protocol::masked_request(*wire);
}

std::string shown_answer(unsigned status, coauth::http_headers headers, std::string_view body)
{
    coauth::http_answer answer;
    answer.status = status;
    answer.headers = std::move(headers);
    answer.body = coauth::secret(body);
    return masked_answer(answer, config());
}

void check_no_secret(std::string_view shown)
{
    for (std::string_view const part :
         {std::string_view(client_secret), std::string_view(basic_value),
          std::string_view(raw_basic_value), "p%3AS+3%2Bcr%2F%25t%26%3D%C3%BC%7E"sv})
        check_lacks(shown, part);
}

} // namespace

BOOST_AUTO_TEST_SUITE(mask)

BOOST_AUTO_TEST_CASE(request)
{
    using who = client_authentication;
    coauth::secret const password(client_secret);
    auto const asked =
        coauth::token_request().scope("a b").audience("au").parameter("password", "hush-hush");
    struct row
    {
        char const* name;
        who authentication;
        char const* shown;
    };
    for (auto const& row : std::vector<row>{
             {"basic", who::client_secret_basic(client_id, password), "Authorization: Basic ***\n"},
             {"raw", who::client_secret_basic_raw(client_id, password),
              "Authorization: Basic ***\n"},
             {"post", who::client_secret_post(client_id, password), "&client_secret=***"},
             {"none", who::none(client_id), "&client_id=app%2B1"},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            auto const shown = shown_request(row.authentication, asked);
            check_contains(shown, row.shown);
            check_contains(shown, "POST /oauth/token HTTP/1.1\nHost: as.example.com\n");
            check_contains(shown, "\n\ngrant_type=client_credentials&scope=a+b&audience=au");
            check_contains(shown, "&password=***");
            check_lacks(shown, "hush-hush");
            check_no_secret(shown);
        }
}

BOOST_AUTO_TEST_CASE(answer_with_a_token)
{
    coauth::http_headers headers;
    headers.add("Content-Type", "application/json");
    headers.add("Set-Cookie", "session=hush-hush");
    headers.add("X-Access-Token", "hush-hush");
    headers.add("Authentication-Info", "hush-hush");
    auto const shown = shown_answer(
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

BOOST_AUTO_TEST_CASE(answer_that_echoes_the_credentials)
{
    for (auto const* echoed :
         {client_secret, basic_value, raw_basic_value, "p%3AS+3%2Bcr%2F%25t%26%3D%C3%BC%7E"})
        BOOST_TEST_CONTEXT(echoed)
        {
            coauth::http_headers headers;
            headers.add("X-Echo", echoed);
            check_no_secret(shown_answer(
                400, headers,
                R"({"error":"invalid_client","error_description":")"s + echoed + "\"}"));
            check_no_secret(shown_answer(400, headers, "You sent "s + echoed + "."));
        }
}

BOOST_AUTO_TEST_CASE(answer_that_is_no_document)
{
    check_contains(shown_answer(502, {}, "<h1>Bad gateway</h1>"), "<h1>Bad gateway</h1>");
    auto const form = shown_answer(200, {}, "access_token=hush-hush");
    check_lacks(form, "hush-hush");
    check_contains(form, "22 bytes that are not JSON");
    auto const controls = shown_answer(
        500, {},
        "a\x1b[31mb\r\nc\xC2\x9B"
        "d");
    check_lacks(controls, "\x1b");
    check_lacks(controls, "\xC2\x9B");
    BOOST_TEST(shown_answer(500, {}, std::string(1'000'000, 'x')).size() < 4096U);
}

BOOST_AUTO_TEST_CASE(text_of_the_server)
{
    auto const who = config().authentication;
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
    BOOST_TEST(safe_text(row.text, who) == row.safe);
}

BOOST_AUTO_TEST_CASE(a_token_that_the_text_repeats)
{
    auto const who = config().authentication;
    BOOST_TEST(safe_text("for tok.en-1, at", who, "tok.en-1") == "for ***, at");
    // Nor the part of it that is left by the cut.
    std::string const long_token(3000, 't');
    BOOST_TEST(safe_text("for " + long_token, who, long_token) == "for ***");
    auto const shown = shown_answer(
        200, {}, R"({"access_token":"a\"b\\c.1","scope":"x a\"b\\c.1","error":"a\"b\\c.1"})");
    check_contains(shown, R"("scope": "x ***")");
    check_lacks(shown, "c.1");
}

BOOST_AUTO_TEST_CASE(a_secret_that_json_escapes)
{
    auto made = config();
    made.authentication =
        client_authentication::client_secret_basic("id", coauth::secret("hush\"\\hush"));
    coauth::http_answer answer;
    answer.body = coauth::secret(R"({"error_description":"no hush\"\\hush"})");
    check_lacks(masked_answer(answer, made), "hush");
}

BOOST_AUTO_TEST_CASE(a_body_that_is_a_signed_token)
{
    auto const shown = shown_answer(200, {}, "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2lnbmF0dXJl");
    check_contains(shown, "***");
    check_lacks(shown, "eyJ");
}

BOOST_AUTO_TEST_CASE(text_is_looked_at_once)
{
    std::string text;
    while (text.size() < 16'000)
        text += "eyJ";
    auto const who = config().authentication;
    auto const began = std::chrono::steady_clock::now();
    for (int i = 0; i < 200; ++i)
        BOOST_TEST(safe_text(text, who).size() <= 1024U);
    BOOST_TEST((std::chrono::steady_clock::now() - began < 5s));
}

BOOST_AUTO_TEST_CASE(a_short_secret_does_not_riddle_the_text)
{
    auto const who = client_authentication::client_secret_basic("id", coauth::secret("e"));
    BOOST_TEST(safe_text("the text", who) == "the text");
}

BOOST_AUTO_TEST_SUITE_END()
