#include "protocol/token_response.hpp"

#include <coauth/smscx.hpp>

#include "memory_watch.hpp"
#include "protocol/config_validation.hpp"
#include "protocol/json_document.hpp"
#include "support.hpp"
#include "values/encoding.hpp"

using namespace test;
using coauth::errc;

namespace
{

// 2026-11-23 00:00:00 UTC; the response came two seconds later.
constexpr std::chrono::system_clock::time_point sent{std::chrono::seconds(1'795'392'000)};
constexpr std::chrono::steady_clock::time_point sent_steady{std::chrono::seconds(1'000)};

struct reading
{
    coauth::client_config made = config();
    coauth::token_request request = {};
    coauth::http_headers headers = {};

    [[nodiscard]] coauth::result<coauth::access_token>
    operator()(unsigned status, std::string_view body) const
    {
        coauth::http_response response;
        response.status = status;
        response.headers = headers;
        response.body = coauth::secret(body);
        return coauth::protocol::read_token_response(
            made, request, std::move(response), {sent, sent_steady, sent + 2s});
    }
};

std::string document(std::string const& more, std::string const& token = "\"tok.en-1\"")
{
    return R"({"access_token":)" + token + R"(,"token_type":"Bearer")" + more + "}";
}

struct row
{
    char const* name;
    unsigned status;
    std::string body;
    char const* expected;
};

void check(reading const& read, std::vector<row> const& rows)
{
    for (auto const& row : rows)
        BOOST_TEST_CONTEXT(row.name)
        {
            auto const got = read(row.status, row.body);
            BOOST_TEST(outcome(got) == row.expected);
            if (got)
                continue;
            BOOST_TEST(got.error().http_status() == row.status);
            BOOST_TEST(got.error().attempts() == 1U);
            check_lacks(got.error().message(), "tok.en-1");
            check_lacks(got.error().message(), client_secret);
            BOOST_TEST(got.error().message().size() < 4096U);
        }
}

} // namespace

BOOST_AUTO_TEST_SUITE(token_response)

BOOST_AUTO_TEST_CASE(the_example_of_rfc_6749)
{
    // Section 4.4.3.
    auto const got = reading()(
        200, R"({"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"example","expires_in":3600,)"
             R"("example_parameter":"example_value"})");
    BOOST_TEST(outcome(got) == "unsupported_token_type");
    auto const bearer = reading()(
        200, R"({"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"bearer","expires_in":3600,)"
             R"("example_parameter":"example_value"})");
    BOOST_TEST_REQUIRE(bearer.has_value());
    BOOST_TEST(bearer->authorization() == "Bearer 2YotnFZFEjr1zCsicMWpAA");
    BOOST_TEST((bearer->lifetime() == 3600s));
    BOOST_TEST(*bearer->member("example_parameter") == "\"example_value\"");
    BOOST_TEST(bearer->members().size() == 1U);
}

BOOST_AUTO_TEST_CASE(life_counts_from_the_sending)
{
    auto const got = reading()(200, document(",\"expires_in\":60"));
    BOOST_TEST_REQUIRE(got.has_value());
    BOOST_TEST((got->requested_at() == sent));
    BOOST_TEST((got->requested_at_steady() == sent_steady));
    BOOST_TEST((got->expires_at() == sent + 60s));
    BOOST_TEST(got->http_status() == 200U);
}

BOOST_AUTO_TEST_CASE(tokens)
{
    check(
        reading(),
        {
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
            {"every character that may be", 200,
             document("", R"("!#$%&'()*+,-./:;<=>?@[]^_`{|}~")"), "success"},
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
            {"type mac", 200, R"({"access_token":"tok.en-1","token_type":"mac"})",
             "unsupported_token_type"},
            {"type DPoP", 200, R"({"access_token":"tok.en-1","token_type":"DPoP"})",
             "unsupported_token_type"},
            {"type N_A", 200, R"({"access_token":"tok.en-1","token_type":"N_A"})",
             "unsupported_token_type"},
            {"empty type", 200, R"({"access_token":"tok.en-1","token_type":""})",
             "unsupported_token_type"},
            {"type 1", 200, R"({"access_token":"tok.en-1","token_type":1})", "malformed_response"},
            {"life true", 200, document(",\"expires_in\":true"), "malformed_response"},
            {"life {}", 200, document(",\"expires_in\":{}"), "malformed_response"},
            {"life 1e999", 200, document(",\"expires_in\":1e999"), "malformed_response"},
            {"scope of numbers", 200, document(",\"scope\":[1]"), "malformed_response"},
            {"scope 1", 200, document(",\"scope\":1"), "malformed_response"},
            {"scope {}", 200, document(",\"scope\":{}"), "malformed_response"},
            {"scope array with control", 200, document(R"(,"scope":["a\n"])"),
             "malformed_response"},
            {"error empty", 200, document(R"(,"error":"")"), "success"},
            {"error false", 200, document(",\"error\":false"), "success"},
            {"error true", 200, document(",\"error\":true"), "malformed_response"},
            {"error 0", 200, document(",\"error\":0"), "malformed_response"},
            {"error []", 200, document(",\"error\":[]"), "malformed_response"},
            {"error {}", 200, document(",\"error\":{}"), "malformed_response"},
            {"error of a control", 200, document(R"(,"error":"\n")"), "malformed_response"},
            {"scope with control", 200, document(R"(,"scope":"a\nb")"), "malformed_response"},
            {"scope of 64 KiB", 200, document(",\"scope\":\"" + std::string(65'536, 's') + '"'),
             "success"},
            {"no body", 200, "", "malformed_response"},
            {"204", 204, "", "malformed_response"},
            {"HTML", 200, "<html>tok.en-1</html>", "malformed_response"},
            {"form", 200, "access_token=tok.en-1&token_type=bearer", "malformed_response"},
            {"twice", 200, document(",\"access_token\":\"other\""), "malformed_response"},
        });
}

BOOST_AUTO_TEST_CASE(scope)
{
    struct scope_row
    {
        char const* member;
        char const* expected;
    };
    reading read;
    read.request.scope("asked for");
    for (auto const& row : std::vector<scope_row>{
             {"", "asked for"},
             {",\"scope\":null", "asked for"},
             {",\"scope\":\"\"", ""},
             {",\"scope\":\"less\"", "less"},
             {",\"scope\":[]", ""},
             {R"(,"scope":["a","b:c"])", "a b:c"},
             {R"(,"scope":"a, b \"c\"")", "a, b \"c\""},
         })
        BOOST_TEST_CONTEXT(row.member)
        {
            auto const got = read(200, document(row.member));
            BOOST_TEST_REQUIRE(got.has_value());
            BOOST_TEST(got->scope() == row.expected);
        }
}

BOOST_AUTO_TEST_CASE(a_strict_server)
{
    reading read;
    read.made.server.require_token_type = true;
    check(
        read, {
                  {"no type", 200, R"({"access_token":"tok.en-1"})", "malformed_response"},
                  {"null type", 200, R"({"access_token":"tok.en-1","token_type":null})",
                   "malformed_response"},
                  {"bearer", 200, document(""), "success"},
              });
}

BOOST_AUTO_TEST_CASE(a_server_with_words_of_its_own_for_bearer)
{
    auto const typed = [](std::string const& type)
    { return R"({"access_token":"tok.en-1","token_type":")" + type + "\"}"; };
    reading read;
    read.made.server.token_type_aliases = {"BearerToken", "Application Access Token"};
    for (auto const* const type : {"BearerToken", "application access token", "bearer"})
    {
        auto const got = read(200, typed(type));
        BOOST_TEST_REQUIRE(outcome(got) == "success");
        BOOST_TEST(got->token_type() == "Bearer");
        BOOST_TEST(got->authorization() == "Bearer tok.en-1");
    }
    BOOST_TEST(outcome(read(200, typed("mac"))) == "unsupported_token_type");
}

BOOST_AUTO_TEST_CASE(an_encoded_body)
{
    struct coding_row
    {
        char const* coding;
        char const* expected;
    };
    for (auto const& row : std::vector<coding_row>{
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
            // What is encoded is not read, also when it says why the server refused.
            BOOST_TEST(
                (outcome(read(400, R"({"error":"invalid_scope"})")) == "invalid_scope") ==
                (row.expected == "success"s));
        }
}

BOOST_AUTO_TEST_CASE(the_words_of_errors)
{
    struct word_row
    {
        char const* word;
        char const* expected;
    };
    for (auto const& row : std::vector<word_row>{
             {"invalid_request", "invalid_request"},
             {"invalid_client", "invalid_client"},
             {"invalid_grant", "invalid_grant"},
             {"unauthorized_client", "unauthorized_client"},
             {"unsupported_grant_type", "unsupported_grant_type"},
             {"invalid_scope", "invalid_scope"},
             {"invalid_target", "invalid_target"},
             {"access_denied", "access_denied"},
             {"insufficient_scope", "insufficient_scope"},
             {"invalid_method", "invalid_method"},
             {"server_error", "server_error"},
             {"temporarily_unavailable", "temporarily_unavailable"},
             {"slow_down", "rate_limited"},
             {"rate_limit", "rate_limited"},
             {"Invalid_Client", "other_oauth_error"},
             {"unsupported_token_type", "unsupported_token_type"},
             {"invalid_client ", "other_oauth_error"},
             {"no_coverage", "other_oauth_error"},
         })
        for (unsigned const status : {200U, 400U, 401U, 403U, 500U})
            for (bool const nested : {false, true})
                BOOST_TEST_CONTEXT(row.word << ", " << status << ", nested " << nested)
                {
                    auto const word = '"' + std::string(row.word) + '"';
                    auto const got = reading()(
                        status,
                        nested ? R"({"error":{"type":)" + word + R"(,"message":"m","uri":"u"}})"
                               : R"({"error":)" + word +
                                     R"(,"error_description":"m","error_uri":"u"})");
                    BOOST_TEST_REQUIRE(outcome(got) == row.expected);
                    BOOST_TEST(got.error().oauth_error() == row.word);
                    BOOST_TEST(got.error().description() == "m");
                    BOOST_TEST(got.error().uri() == "u");
                    BOOST_TEST(got.error().http_status() == status);
                }
}

BOOST_AUTO_TEST_CASE(every_row_of_the_table_of_smscx)
{
    struct smscx_row
    {
        unsigned status;
        char const* type;
        std::optional<std::int64_t> code;
        errc expected;
    };
    reading read;
    read.made = coauth::smscx::config("id", coauth::secret("word"));
    for (auto const& row : std::vector<smscx_row>{
             {400, "invalid_request", 1600, errc::invalid_request},
             {400, "invalid_scope", 1600, errc::invalid_scope},
             {400, "unsupported_grant_type", 1600, errc::unsupported_grant_type},
             {401, "invalid_client", 1600, errc::invalid_client},
             {403, "insufficient_scope", std::nullopt, errc::insufficient_scope},
             {405, "invalid_method", std::nullopt, errc::invalid_method},
             {429, "rate_limit", std::nullopt, errc::rate_limited},
             {500, "server_error", std::nullopt, errc::server_error},
         })
        BOOST_TEST_CONTEXT(row.status << " " << row.type)
        {
            auto const code = row.code ? ",\"code\":" + std::to_string(*row.code) : std::string();
            auto const got = read(
                row.status, R"({"error":{"type":")"s + row.type +
                                R"(","message":"Why.","uri":"https://sms.cx/docs")" + code + "}}");
            BOOST_TEST_REQUIRE(!got.has_value());
            auto const& e = got.error();
            BOOST_TEST((e == row.expected));
            BOOST_TEST(e.http_status() == row.status);
            BOOST_TEST(e.oauth_error() == row.type);
            BOOST_TEST(e.description() == "Why.");
            BOOST_TEST(e.uri() == "https://sms.cx/docs");
            BOOST_TEST((e.server_code() == row.code));
        }
}

BOOST_AUTO_TEST_CASE(nested_errors_of_odd_shape)
{
    check(
        reading(),
        {
            {"no type", 400, R"({"error":{"message":"m","code":1600}})", "http_error"},
            {"null type", 400, R"({"error":{"type":null}})", "http_error"},
            {"type 5", 400, R"({"error":{"type":5}})", "http_error"},
            {"empty", 400, R"({"error":{}})", "http_error"},
            {"all null", 401, R"({"error":{"type":null,"message":null,"uri":null,"code":null}})",
             "http_error"},
            {"flat number", 400, R"({"error":5})", "http_error"},
            {"flat empty", 400, R"({"error":""})", "http_error"},
            {"flat array", 400, R"({"error":["invalid_client"]})", "http_error"},
            {"flat with a control", 400, R"({"error":"invalid_client\n"})", "http_error"},
            {"empty with status 200", 200, R"({"error":{}})", "malformed_response"},
            {"false with status 200", 200, R"({"error":false})", "malformed_response"},
            {"beside a token", 200, document(R"(,"error":{"type":"invalid_scope"})"),
             "invalid_scope"},
        });
}

BOOST_AUTO_TEST_CASE(the_number_of_an_error)
{
    struct code_row
    {
        char const* json;
        std::optional<std::int64_t> expected;
    };
    for (auto const& row : std::vector<code_row>{
             {"1600", 1600},
             {"\"1600\"", 1600},
             {"-1", -1},
             {"9223372036854775807", INT64_MAX},
             {"9223372036854775808", std::nullopt},
             {"1.5", std::nullopt},
             {"\"x\"", std::nullopt},
             {"null", std::nullopt},
             {"[1600]", std::nullopt},
         })
        BOOST_TEST_CONTEXT(row.json)
        {
            auto const got =
                reading()(401, R"({"error":{"type":"invalid_client","code":)"s + row.json + "}}");
            BOOST_TEST_REQUIRE(outcome(got) == "invalid_client");
            BOOST_TEST((got.error().server_code() == row.expected));
        }
}

BOOST_AUTO_TEST_CASE(by_status_where_there_is_no_word)
{
    check(
        reading(),
        {
            {"301", 301, "", "redirect_refused"},
            {"302 with a token", 302, document(""), "redirect_refused"},
            {"304", 304, "", "redirect_refused"},
            {"307 with an error", 307, R"({"error":"invalid_client"})", "redirect_refused"},
            {"400", 400, "", "http_error"},
            {"401", 401, "", "http_error"},
            {"403 empty", 403, "", "http_error"},
            {"404", 404, "Not found", "http_error"},
            {"429", 429, "", "rate_limited"},
            {"429 with another word", 429, R"({"error":"invalid_client"})", "rate_limited"},
            {"500 with a token", 500, document(""), "http_error"},
            {"502 HTML", 502, "<html>Bad gateway</html>", "http_error"},
            {"503", 503, "", "http_error"},
            {"599", 599, "", "http_error"},
        });
    check_contains(reading()(404, "").error().message(), "there is no such endpoint at this URL");
    check_contains(reading()(401, "").error().message(), "check client id and secret");
    check_contains(reading()(302, "").error().message(), "never followed");
}

BOOST_AUTO_TEST_CASE(by_the_challenge_where_the_body_has_no_word)
{
    struct challenge_row
    {
        unsigned status;
        std::vector<std::string> fields;
        char const* body;
        char const* expected;
        char const* word;
    };
    for (auto const& row : std::vector<challenge_row>{
             {401,
              {R"(Basic realm="x", error="invalid_client")"},
              "",
              "invalid_client",
              "invalid_client"},
             {400, {R"(DPoP error="use_dpop_nonce")"}, "", "use_dpop_nonce", "use_dpop_nonce"},
             {401,
              {"Basic realm=x", R"(DPoP error="use_dpop_nonce", algs="ES256")"},
              "{}",
              "use_dpop_nonce",
              "use_dpop_nonce"},
             {401,
              {R"(Bearer error="odd", DPoP error="invalid_dpop_proof")"},
              "",
              "invalid_dpop_proof",
              "invalid_dpop_proof"},
             {401,
              {R"(Bearer error="invalid_token")"},
              "<html>",
              "other_oauth_error",
              "invalid_token"},
             {403,
              {R"(Bearer error="insufficient_scope")"},
              "",
              "insufficient_scope",
              "insufficient_scope"},
             {401,
              {R"(Bearer error="invalid_client")"},
              R"({"error":"invalid_request"})",
              "invalid_request",
              "invalid_request"},
             {401, {"Basic realm=\"x\""}, "", "http_error", ""},
             {401, {"Bearer error=\"\x01\""}, "", "http_error", ""},
             {404, {R"(Bearer error="invalid_client")"}, "", "http_error", ""},
             {500, {R"(Bearer error="invalid_client")"}, "", "http_error", ""},
             {200, {R"(Bearer error="invalid_client")"}, "", "malformed_response", ""},
             {429, {R"(Bearer error="invalid_client")"}, "", "rate_limited", ""}})
        BOOST_TEST_CONTEXT(row.status << " " << row.fields.back())
        {
            reading read;
            for (auto const& field : row.fields)
                read.headers.add("www-authenticate", field);
            auto const got = read(row.status, row.body);
            BOOST_TEST_REQUIRE(outcome(got) == row.expected);
            BOOST_TEST(got.error().oauth_error() == row.word);
        }
    BOOST_TEST(reading()(401, "").error().is_authentication_failure());
    BOOST_TEST(reading()(401, R"({"error":"invalid_client"})").error().is_authentication_failure());
    BOOST_TEST(!reading()(403, "").error().is_authentication_failure());
}

BOOST_AUTO_TEST_CASE(problem_details)
{
    auto const got =
        reading()(503, R"({"type":"https://x/busy","title":"Busy","detail":"Wait.","status":503})");
    BOOST_TEST_REQUIRE(outcome(got) == "http_error");
    BOOST_TEST(got.error().description() == "Wait.");
    BOOST_TEST(got.error().uri() == "https://x/busy");
    BOOST_TEST(got.error().oauth_error() == "");
    BOOST_TEST(reading()(503, R"({"title":"Busy"})").error().description() == "Busy");
}

BOOST_AUTO_TEST_CASE(when_to_try_again)
{
    struct retry_row
    {
        char const* name;
        unsigned status;
        char const* field;
        std::string value;
        // Seconds after the response came, or -1.
        std::int64_t expected;
    };
    auto const in_one_minute = std::to_string(1'795'392'000 + 2 + 60);
    for (auto const& row : std::vector<retry_row>{
             {"429, seconds", 429, "Retry-After", "30", 30},
             {"429, date", 429, "Retry-After", "Mon, 23 Nov 2026 00:01:02 GMT", 60},
             {"429, reset", 429, "X-Rate-Limit-Reset", in_one_minute, 60},
             {"503, reset", 503, "x-rate-limit-reset", in_one_minute, 60},
             {"503, seconds", 503, "Retry-After", "30", 30},
             {"400, seconds", 400, "Retry-After", "30", 30},
             {"400, reset: told with every response", 400, "X-Rate-Limit-Reset", in_one_minute, -1},
             {"302", 302, "Retry-After", "30", -1},
             {"rubbish", 429, "Retry-After", "soon", -1},
             {"negative", 429, "Retry-After", "-5", -1},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            reading read;
            read.headers.add(row.field, row.value);
            auto const got = read(row.status, "");
            BOOST_TEST_REQUIRE(!got.has_value());
            auto const at = got.error().retry_at();
            auto const wait =
                at ? std::chrono::floor<std::chrono::seconds>(*at - (sent + 2s)).count()
                   : std::chrono::seconds::rep(-1);
            BOOST_TEST(wait == row.expected);
        }
}

// By its word an error may come with success.
BOOST_AUTO_TEST_CASE(when_to_try_again_with_status_200)
{
    for (auto const* word : {"rate_limit", "temporarily_unavailable", "invalid_scope"})
        for (auto const& [name, value] :
             {std::pair("Retry-After", "60"s),
              std::pair("X-Rate-Limit-Reset", std::to_string(1'795'392'000 + 2 + 60))})
            BOOST_TEST_CONTEXT(word << " " << name)
            {
                reading read;
                read.headers.add(name, value);
                auto const got = read(200, R"({"error":{"type":")"s + word + "\"}}");
                BOOST_TEST_REQUIRE(!got.has_value());
                auto const at = got.error().retry_at();
                BOOST_TEST(at.has_value() == (word != "invalid_scope"s));
                BOOST_TEST((!at || *at == sent + 62s));
            }
}

BOOST_AUTO_TEST_CASE(headers_are_kept_on_request)
{
    reading read;
    read.headers.add("X-Request-Id", "7");
    BOOST_TEST(read(200, document(""))->headers().empty());
    BOOST_TEST(read(400, "").error().headers().empty());
    read.made.keep_headers = true;
    BOOST_TEST(*read(200, document(""))->headers().find("x-request-id") == "7");
    BOOST_TEST(*read(400, "").error().headers().find("X-REQUEST-ID") == "7");
}

BOOST_AUTO_TEST_CASE(text_of_the_server_holds_no_secret)
{
    for (auto const& echo :
         std::vector<std::string>{client_secret, basic_value, raw_basic_value, "tok.en-1"})
        BOOST_TEST_CONTEXT(echo)
        {
            reading read;
            read.headers.add("Content-Type", "x/" + echo);
            auto const quoted = '"' + echo + '"';
            for (auto const& body : std::vector<std::string>{
                     R"({"error":"x","error_description":)" + quoted +
                         R"(,"access_token":"tok.en-1"})",
                     R"({"error":{"type":"x","uri":)" + quoted + R"(},"access_token":"tok.en-1"})",
                     R"({"detail":)" + quoted + R"(,"error":{},"access_token":"tok.en-1"})",
                     R"({"error":)" + quoted + R"(,"access_token":"tok.en-1"})",
                     R"({"token_type":)" + quoted + R"(,"access_token":"tok.en-1"})"})
                for (unsigned const status : {200U, 400U})
                {
                    auto const got = read(status, body);
                    BOOST_TEST_REQUIRE(!got.has_value());
                    check_lacks(got.error().message(), echo);
                    check_lacks(got.error().description(), echo);
                    check_lacks(got.error().uri(), echo);
                    check_lacks(got.error().oauth_error(), echo);
                }
        }
}

BOOST_AUTO_TEST_CASE(text_of_the_server_holds_nothing_that_was_presented)
{
    auto const made = config();
    auto const where = coauth::protocol::check_config(made);
    auto const request = coauth::token_request::refresh_token(coauth::secret("old.to\"k\\en-1"));
    auto const wire = build_token_request(made, *where, request);
    BOOST_TEST_REQUIRE(outcome(wire) == "success");
    for (std::string const echo : {"old.to\"k\\en-1", "old.to%22k%5Cen-1", "new-refresh", "new-id"})
        for (auto const* format :
             {R"({"error":"x","error_description":"E","refresh_token":"new-refresh"})",
              R"({"error":"E","id_token":"new-id","refresh_token":"new-refresh"})",
              R"({"error":{"type":"x","message":"E"},"refresh_token":"new-refresh"})",
              R"({"error":{"type":"x","uri":"E"},"refresh_token":"new-refresh"})",
              R"({"error":5,"detail":"E","refresh_token":"new-refresh"})",
              R"({"token_type":"E","access_token":"t","refresh_token":"new-refresh"})"})
            BOOST_TEST_CONTEXT(format << " " << echo)
            {
                coauth::secret quoted;
                coauth::protocol::append_json_string(quoted, echo);
                std::string body = format;
                body.replace(body.find("\"E\""), 3, text(quoted));
                if (echo == "new-id")
                    body.insert(1, R"("id_token":"new-id",)");
                if (body.find("id_token") != body.rfind("id_token"))
                    continue;
                coauth::http_response response;
                response.status = 200;
                response.body = coauth::secret(body);
                auto const got = coauth::protocol::read_token_response(
                    made, request, std::move(response), {sent, sent_steady, sent, wire->view()});
                BOOST_TEST_REQUIRE(!got.has_value());
                auto const& e = got.error();
                for (auto const part :
                     {std::string_view(e.context()), e.description(), e.uri(), e.oauth_error()})
                    check_lacks(part, echo);
                check_lacks(e.message(), echo);
                check_contains(e.message() + std::string(e.uri()), "***");
            }
    // Half a secret is none either.
    auto const far = std::string(250, 'x') + client_secret;
    check_lacks(
        reading()(400, R"({"error":")" + far + "\"}").error().oauth_error(),
        std::string_view(client_secret).substr(0, 4));
}

BOOST_AUTO_TEST_CASE(what_was_read_is_wiped)
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
