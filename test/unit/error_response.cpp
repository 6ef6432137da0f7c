// Errors in the responses of the token endpoint.

#include <coauth/smscx.hpp>

#include "protocol/config_validation.hpp"
#include "response_reading.hpp"
#include "values/encoding.hpp"

using namespace test;

BOOST_AUTO_TEST_SUITE(error_response)

using coauth::errc;

BOOST_AUTO_TEST_CASE(every_oauth_error_code_is_read)
{
    struct code_case
    {
        char const* name;
        char const* expected;
    };
    for (auto const& row : std::vector<code_case>{
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
                BOOST_TEST_CONTEXT(row.name << ", " << status << ", nested " << nested)
                {
                    auto const name = '"' + std::string(row.name) + '"';
                    auto const got = reading()(
                        status,
                        nested ? R"({"error":{"type":)" + name + R"(,"message":"m","uri":"u"}})"
                               : R"({"error":)" + name +
                                     R"(,"error_description":"m","error_uri":"u"})");
                    BOOST_TEST_REQUIRE(outcome(got) == row.expected);
                    BOOST_TEST(got.error().oauth_error() == row.name);
                    BOOST_TEST(got.error().description() == "m");
                    BOOST_TEST(got.error().uri() == "u");
                    BOOST_TEST(got.error().http_status() == status);
                }
}

BOOST_AUTO_TEST_CASE(every_error_of_smscx_is_read)
{
    struct smscx_case
    {
        unsigned status;
        char const* type;
        std::optional<std::int64_t> code;
        errc expected;
    };
    reading read;
    read.configuration = coauth::smscx::config("id", coauth::secret("word"));
    for (auto const& row : std::vector<smscx_case>{
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

BOOST_AUTO_TEST_CASE(malformed_nested_errors_are_read_as_far_as_possible)
{
    check_outcomes(
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

BOOST_AUTO_TEST_CASE(numeric_error_codes_are_read)
{
    struct code_case
    {
        char const* json;
        std::optional<std::int64_t> expected;
    };
    for (auto const& row : std::vector<code_case>{
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

BOOST_AUTO_TEST_CASE(status_decides_without_an_error_code)
{
    check_outcomes(
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
    check_contains(reading()(404, "").error().message(), "perhaps the URL is wrong");
    check_contains(reading()(401, "").error().message(), "check client id and secret");
    check_contains(reading()(302, "").error().message(), "never followed");
}

BOOST_AUTO_TEST_CASE(challenge_decides_without_an_error_code_in_the_body)
{
    struct challenge_case
    {
        unsigned status;
        std::vector<std::string> fields;
        char const* body;
        char const* expected;
        char const* name;
    };
    for (auto const& row : std::vector<challenge_case>{
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
            BOOST_TEST(got.error().oauth_error() == row.name);
        }
    BOOST_TEST(reading()(401, "").error().is_authentication_failure());
    BOOST_TEST(reading()(401, R"({"error":"invalid_client"})").error().is_authentication_failure());
    BOOST_TEST(!reading()(403, "").error().is_authentication_failure());
}

BOOST_AUTO_TEST_CASE(problem_details_of_rfc_9457_are_read)
{
    auto const got =
        reading()(503, R"({"type":"https://x/busy","title":"Busy","detail":"Wait.","status":503})");
    BOOST_TEST_REQUIRE(outcome(got) == "http_error");
    BOOST_TEST(got.error().description() == "Wait.");
    BOOST_TEST(got.error().uri() == "https://x/busy");
    BOOST_TEST(got.error().oauth_error() == "");
    BOOST_TEST(reading()(503, R"({"title":"Busy"})").error().description() == "Busy");
}

BOOST_AUTO_TEST_CASE(error_statuses_have_a_retry_time)
{
    struct retry_case
    {
        char const* name;
        unsigned status;
        char const* field;
        std::string value;
        // Seconds after the response was received; -1: none.
        std::int64_t expected;
    };
    auto const in_one_minute = std::to_string(1'795'392'000 + 2 + 60);
    for (auto const& row : std::vector<retry_case>{
             {"429, seconds", 429, "Retry-After", "30", 30},
             {"429, date", 429, "Retry-After", "Mon, 23 Nov 2026 00:01:02 GMT", 60},
             {"429, reset", 429, "X-Rate-Limit-Reset", in_one_minute, 60},
             {"503, reset", 503, "x-rate-limit-reset", in_one_minute, 60},
             {"503, seconds", 503, "Retry-After", "30", 30},
             {"400, seconds", 400, "Retry-After", "30", 30},
             {"400, reset: sent with every response", 400, "X-Rate-Limit-Reset", in_one_minute, -1},
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

// The error code may come with a success status.
BOOST_AUTO_TEST_CASE(errors_with_status_200_have_a_retry_time)
{
    for (auto const* code : {"rate_limit", "temporarily_unavailable", "invalid_scope"})
        for (auto const& [name, value] :
             {std::pair("Retry-After", "60"s),
              std::pair("X-Rate-Limit-Reset", std::to_string(1'795'392'000 + 2 + 60))})
            BOOST_TEST_CONTEXT(code << " " << name)
            {
                reading read;
                read.headers.add(name, value);
                auto const got = read(200, R"({"error":{"type":")"s + code + "\"}}");
                BOOST_TEST_REQUIRE(!got.has_value());
                auto const at = got.error().retry_at();
                BOOST_TEST(at.has_value() == (code != "invalid_scope"s));
                BOOST_TEST((!at || *at == sent + 62s));
            }
}

BOOST_AUTO_TEST_CASE(texts_do_not_contain_the_client_secret)
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
                     R"({"detail":)" + quoted + R"(,"error":{"a":1},"access_token":"tok.en-1"})",
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

BOOST_AUTO_TEST_CASE(texts_do_not_contain_secrets_of_the_request)
{
    auto const configuration = config();
    auto const endpoint = coauth::protocol::check_config(configuration);
    auto const request = coauth::token_request::refresh_token(coauth::secret("old.to\"k\\en-1"));
    auto const wire = build_token_request(configuration, *endpoint, request);
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
                coauth::detail::append_json_string(quoted, echo);
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
                    configuration, request, std::move(response),
                    {sent, sent_steady, sent, wire->view()});
                BOOST_TEST_REQUIRE(!got.has_value());
                auto const& e = got.error();
                for (auto const part :
                     {std::string_view(e.context()), e.description(), e.uri(), e.oauth_error()})
                    check_lacks(part, echo);
                check_lacks(e.message(), echo);
                check_contains(e.message() + std::string(e.uri()), "***");
            }
    // Nor half of a secret.
    auto const far = std::string(250, 'x') + client_secret;
    check_lacks(
        reading()(400, R"({"error":")" + far + "\"}").error().oauth_error(),
        std::string_view(client_secret).substr(0, 4));
}

// The times of assertions and proofs are refused if the clocks differ.
BOOST_AUTO_TEST_CASE(an_error_of_a_signed_request_says_how_far_the_clocks_differ)
{
    constexpr auto* with_assertion = "POST / HTTP/1.1\r\n\r\ngrant_type=x&client_assertion=e.y.j";
    constexpr auto* with_grant = "POST / HTTP/1.1\r\n\r\ngrant_type=x&assertion=e.y.j";
    constexpr auto* with_proof = "POST / HTTP/1.1\r\nDPoP: e.y.j\r\n\r\ngrant_type=x";
    constexpr auto* with_secret = "POST / HTTP/1.1\r\n\r\ngrant_type=x&client_secret=s";
    struct row
    {
        char const* date;
        unsigned status;
        char const* request;
        char const* says;
    };
    constexpr auto* silent = "";
    // Sent at 00:00:00, received at 00:00:02.
    for (auto const& [date, status, request, says] : std::vector<row>{
             {"Sun, 22 Nov 2026 23:59:29 GMT", 401, with_assertion,
              "the server's clock is 31 s behind this machine's; set the clocks, or backdate"},
             {"Sun, 22 Nov 2026 23:59:29 GMT", 400, with_grant, "31 s behind this machine's"},
             {"Mon, 23 Nov 2026 00:00:33 GMT", 403, with_proof,
              "the server's clock is 31 s ahead of this machine's; set the clocks"},
             {"Tue, 24 Nov 2026 00:00:00 GMT", 400, with_proof, "86398 s ahead"},
             {"Sun, 22 Nov 2026 23:59:30 GMT", 401, with_assertion, silent},
             {"Mon, 23 Nov 2026 00:00:32 GMT", 401, with_assertion, silent},
             {"Tue, 24 Nov 2026 00:00:00 GMT", 401, with_secret, silent},
             {"Tue, 24 Nov 2026 00:00:00 GMT", 500, with_assertion, silent},
             {"Tue, 24 Nov 2026 00:00:00 GMT", 429, with_assertion, silent},
             {"yesterday", 401, with_assertion, silent},
             {"", 401, with_assertion, silent}})
        BOOST_TEST_CONTEXT(date << ", " << status << ", " << request)
        {
            coauth::http_response response;
            response.status = status;
            response.headers.add("Date", date);
            response.body = coauth::secret(R"({"error":"invalid_client"})");
            auto const got = coauth::protocol::read_token_response(
                config(), {}, std::move(response), {sent, sent_steady, sent + 2s, request});
            BOOST_REQUIRE(!got);
            if (says == silent)
                check_lacks(got.error().message(), "clock");
            else
                check_contains(got.error().message(), says);
        }
}

BOOST_AUTO_TEST_SUITE_END()
