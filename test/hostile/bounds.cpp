// Limits that hold for every response: memory, bytes read and CPU time.

#include "fixture.hpp"
#include "resource_meter.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <map>
#include <set>

using namespace test;

BOOST_AUTO_TEST_SUITE(bounds)

namespace
{

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;
constexpr std::size_t most_memory = 4 * mib;
constexpr std::size_t most_bytes = 2 * mib;

std::string const ok = "HTTP/1.1 200 OK\r\n";
std::string const chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";
std::string const body = token_body;

std::string times(std::size_t count, std::string const& text)
{
    std::string out;
    out.reserve(count * text.size());
    for (std::size_t i = 0; i < count; ++i)
        out += text;
    return out;
}

// Repeats the text with numbers in place of '#'.
std::string numbered(std::size_t count, std::string const& text)
{
    auto const at = text.find('#');
    std::string out;
    for (std::size_t i = 0; i < count; ++i)
        out += text.substr(0, at) + std::to_string(i) + text.substr(at + 1);
    return out;
}

response endless(std::string const& before, std::string const& repeated)
{
    auto result = response::bytes(before + repeated);
    result.repeat_from = before.size();
    return result;
}

// A token response with further members.
std::string token_document(std::string const& more)
{
    return R"({"access_token":"tok.en-1","token_type":"Bearer",)" + more + "}";
}

response plain(std::string const& more)
{
    return response::bytes(http_response(token_document(more)));
}

response refusal(std::string const& text)
{
    return response::json(400, text);
}

// The configuration in which most of a response is stored.
coauth::client_config storing_all(coauth::client_config config)
{
    config.keep_headers = true;
    config.debug = [](std::string_view) {};
    return config;
}

// At most `size` bytes in the format "deflate" (RFC 1951), which decode to 158 times as many
// spaces.
std::string deflated_spaces(std::size_t size)
{
    std::string out;
    unsigned bits = 0;
    int count = 0;
    auto const put = [&](unsigned value, int width)
    {
        bits |= value << count;
        for (count += width; count >= 8; count -= 8, bits >>= 8U)
            out += static_cast<char>(bits & 0xFFU);
    };
    // The last block, with fixed codes: a space, then copies of 258 bytes from one byte before.
    put(0b011, 3);
    put(0b00001010, 8);
    while (out.size() + 4 < size)
        put(0b10100011, 13);
    put(0, 7);
    put(0, 8);
    return out;
}

response encoded(std::string const& text, char const* coding = nullptr)
{
    auto result = response::json(200, text);
    if (coding != nullptr)
        result.headers.add("Content-Encoding", coding);
    return result;
}

// A body of one chunk with this extension, and the chunks `before` it.
response in_a_chunk(
    std::string const& text, std::string const& before = {}, std::string const& extension = {})
{
    std::array<char, 16> digits{};
    auto const end = std::to_chars(digits.begin(), digits.end(), text.size(), 16).ptr;
    std::string const size(digits.begin(), end);
    return response::bytes(chunked + before + size + extension + "\r\n" + text + "\r\n0\r\n\r\n");
}

using row = std::pair<char const*, response>;

// `request` returns the name of the outcome.
void check_bounds(
    authorization_server& server, response const& message,
    std::function<std::string()> const& request, std::set<std::string> const& expected)
{
    server.push_response(message);
    resource_meter const meter;
    auto const got = request();
    BOOST_TEST_MESSAGE(
        got << ", " << meter.memory() / kib << " KiB of memory, " << meter.bytes() / kib
            << " KiB from the wire, " << meter.cpu_time().count() / 1000 << " us");
    BOOST_TEST(expected.contains(got), got);
    BOOST_TEST(meter.memory() < most_memory);
    BOOST_TEST(meter.bytes() < most_bytes);
}

// Each response without and with stored headers and debug text.
void check_tokens(std::vector<row> const& rows, std::set<std::string> const& expected)
{
    auto server = start();
    auto const config = server.config();
    (void)require_token(fetch(config));
    for (auto const& [name, message] : rows)
        for (bool const all : {false, true})
            BOOST_TEST_CONTEXT(name << (all ? ", all kept" : ""))
            {
                auto const used_config = all ? storing_all(config) : config;
                check_bounds(
                    server, message, [&] { return outcome(fetch_without_log_scan(used_config)); },
                    expected);
            }
}

template <class Result>
std::string
run(std::function<void(coauth::client&, std::function<void(Result)>)> const& begin,
    coauth::client_config const& config)
{
    boost::asio::io_context context;
    coauth::client client(context.get_executor(), config);
    std::string got;
    begin(client, [&](Result r) { got = outcome(r); });
    context.run();
    return got;
}

// A response with a given number of some element.
struct growing_case
{
    char const* name;
    std::size_t largest;
    std::function<response(std::size_t)> make;
};

// The shortest of three: other processes disturb the measurement.
std::chrono::nanoseconds
time_of(authorization_server& server, coauth::client_config const& config, response const& message)
{
    auto least = std::chrono::nanoseconds::max();
    for (int i = 0; i < 3; ++i)
    {
        server.push_response(message);
        resource_meter const meter;
        auto const got = fetch(config);
        least = std::min(least, meter.cpu_time());
        BOOST_TEST(outcome(got) == "success");
    }
    return least;
}

response in_pieces(response message)
{
    message.piece = 4;
    return message;
}

} // namespace

BOOST_AUTO_TEST_CASE(the_meter_measures_memory_bytes_and_cpu_time)
{
    auto server = start();
    server.push_response(plain("\"x\":\"" + std::string(512 * kib, 'x') + "\""));
    resource_meter const meter;
    (void)require_token(fetch(server.config()));
    BOOST_TEST(meter.memory() > 512 * kib);
    BOOST_TEST(meter.bytes() > 512 * kib);
    BOOST_TEST(meter.cpu_time() > 10us);
}

BOOST_AUTO_TEST_CASE(endless_responses_are_abandoned)
{
    check_tokens(
        {
            {"10 GiB", endless(ok + "Content-Length: 10737418240\r\n\r\n", " ")},
            {"body", endless(ok + "\r\n", " ")},
            {"chunks", endless(chunked, "5\r\n     \r\n")},
            {"chunks of one byte", endless(chunked, "1\r\n \r\n")},
            {"chunks of 64 KiB",
             endless(chunked, "10000\r\n" + std::string(64 * kib, ' ') + "\r\n")},
            {"one chunk", endless(chunked + "280000000\r\n", " ")},
            {"size of a chunk", endless(chunked, "0")},
            {"extension of a chunk", endless(chunked + "5;", "x")},
            {"extensions of chunks", endless(chunked, "1;" + std::string(kib, 'x') + "\r\n \r\n")},
            {"trailers", endless(chunked + "0\r\n", "X: y\r\n")},
            {"trailer", endless(chunked + "0\r\nX: ", "y")},
            {"fields", endless(ok, "X: y\r\n")},
            {"value of a field", endless(ok + "X: ", "y")},
            {"name of a field", endless(ok, "X")},
            {"reason", endless("HTTP/1.1 200 ", "y")},
            {"informational responses", endless("", "HTTP/1.1 102 Processing\r\n\r\n")},
            {"informational responses with fields",
             endless(
                 "", "HTTP/1.1 103 Early Hints\r\nX: " + std::string(60 * kib, 'y') + "\r\n\r\n")},
        },
        {"response_too_large"});
    check_tokens(
        {{"empty lines", endless("", "\r\n")}, {"noise", endless("", "noise")}},
        {"malformed_http"});
}

BOOST_AUTO_TEST_CASE(oversized_responses_are_refused)
{
    check_tokens(
        {
            {"extension of 1 MiB",
             response::bytes(chunked + "5;" + std::string(mib, 'x') + "\r\n     \r\n0\r\n\r\n")},
            {"100,000 fields", response::bytes(ok + times(100'000, "X: y\r\n") + "\r\n")},
            {"100,000 different fields",
             response::bytes(ok + numbered(100'000, "X#: y\r\n") + "\r\n")},
            {"token of 1 MiB",
             response::json(200, R"({"access_token":")" + std::string(mib, 't') + "\"}")},
            {"token just below 1 MiB",
             response::json(
                 200, R"({"access_token":")" + std::string(mib - kib, 't') +
                          R"(","token_type":"Bearer"})")},
        },
        {"response_too_large"});
    check_tokens(
        {
            {"100,000 arrays", plain("\"x\":" + times(100'000, "[") + times(100'000, "]"))},
            {"100,000 objects",
             plain("\"x\":" + times(100'000, "{\"a\":") + "1" + times(100'000, "}"))},
            {"100,000 arrays without end", plain("\"x\":" + times(100'000, "["))},
            {"20,000 members", plain(numbered(20'000, "\"m#\":1,") + "\"x\":1")},
            {"members, as many as fit", plain(times(170'000, "\"\":1,") + "\"x\":1")},
            {"members with escapes", plain(times(80'000, R"("\n":"\n",)") + "\"x\":1")},
        },
        {"malformed_response"});
}

// The client accepts no content coding.
BOOST_AUTO_TEST_CASE(compressed_bodies_are_not_decoded)
{
    auto const spaces = deflated_spaces(900 * kib);
    auto const zipped = std::string("\x1F\x8B\x08\0\0\0\0\0\0\x03", 10) + spaces;
    auto const zlib = "\x78\x9C" + spaces;
    check_tokens(
        {
            {"gzip", encoded(zipped, "gzip")},
            {"x-gzip", encoded(zipped, "x-gzip")},
            {"gzip twice", encoded(zipped, "gzip, gzip")},
            {"deflate", encoded(zlib, "deflate")},
            {"deflate without a header", encoded(spaces, "deflate")},
            {"gzip, unsaid", encoded(zipped)},
            {"deflate, unsaid", encoded(zlib)},
            {"br", encoded(spaces, "br")},
        },
        {"malformed_response"});
}

BOOST_AUTO_TEST_CASE(large_responses_within_the_limits_are_accepted)
{
    std::string const twenty_digits = "12345678901234567890,";
    check_tokens(
        {
            {"number of 100 KiB", plain("\"x\":" + std::string(100 * kib, '1'))},
            {"fraction of 100 KiB", plain("\"x\":0." + std::string(100 * kib, '1'))},
            {"key of 100 KiB", plain("\"" + std::string(100 * kib, 'k') + "\":1")},
            {"text of 1 MiB", plain("\"x\":\"" + std::string(mib - kib, 'x') + "\"")},
            {"text of 1 MiB with escapes", plain("\"x\":\"" + times(mib / 2 - kib, "\\n") + "\"")},
            {"an array of 1 MiB", plain("\"x\":[" + times(mib / 22 - kib, twenty_digits) + "1]")},
            {"an array of 1 MiB in a chunk",
             in_a_chunk(token_document("\"x\":[" + times(mib / 22 - kib, twenty_digits) + "1]"))},
            {"a long text and short ones in an array",
             plain("\"x\":[\"" + std::string(900 * kib, 'x') + "\"" + times(30'000, ",1") + "]")},
            {"text of DEL", plain("\"x\":\"" + std::string(mib - kib, '\x7f') + "\"")},
            {"scope of 1 MiB", plain("\"scope\":\"" + std::string(mib - kib, 's') + "\"")},
            {"scope of tokens",
             response::json(
                 200, R"({"access_token":"tttt","token_type":"Bearer","scope":")" +
                          std::string(mib - kib, 't') + "\"}")},
            {"an object of 1 MiB",
             plain("\"x\":{" + times(mib / 24 - kib, "\"\":" + twenty_digits) + "\"\":1}")},
            {"1,000 members",
             plain(
                 "\"x\":{" + numbered(900, "\"m#\":\"" + std::string(kib, 'x') + "\",") +
                 "\"\":1}")},
            {"8,000 fields", response::bytes(http_response(token_body, times(8'000, "X: y\r\n")))},
        },
        {"success"});
}

BOOST_AUTO_TEST_CASE(error_responses_take_bounded_resources)
{
    check_tokens(
        {
            {"description of 1 MiB", refusal(
                                         R"({"error":"invalid_grant","error_description":")" +
                                         std::string(mib - kib, 'x') + "\"}")},
            {"description of escapes", refusal(
                                           R"({"error":"invalid_grant","error_description":")" +
                                           times(mib / 6 - kib, "\\u00e9") + "\"}")},
            {"nested", refusal(
                           R"({"error":{"type":"invalid_grant","message":")" +
                           times(mib / 6 - kib, "\\u00e9") + "\"}}")},
            {"word of 1 MiB", refusal(R"({"error":")" + std::string(mib - kib, 'x') + "\"}")},
        },
        {"invalid_grant", "other_oauth_error"});
}

BOOST_AUTO_TEST_CASE(introspection_takes_bounded_resources)
{
    auto server = start();
    auto const config = server.config();
    struct introspection_case
    {
        char const* name;
        std::string members;
        char const* expected;
    };
    for (auto const& row : {
             introspection_case{
                 "scope", "\"scope\":\"" + std::string(mib - kib, 's') + "\"", "success"},
             {"one audience", "\"aud\":\"" + std::string(mib - kib, 'a') + "\"", "success"},
             {"2,000 audiences", "\"aud\":[" + times(2'000, "\"0123456789abcdef\",") + "\"\"]",
              "success"},
             {"one audience in a list", "\"aud\":[\"" + std::string(mib - kib, 'a') + "\"]",
              "malformed_response"},
             {"empty audiences", "\"aud\":[" + times(45'000, "\"\",") + "\"\"]",
              "malformed_response"},
             {"45,000 audiences", "\"aud\":[" + times(45'000, "\"0123456789abcdef\",") + "\"\"]",
              "malformed_response"},
             {"numbers", "\"aud\":[" + times(45'000, "1,") + "1]", "malformed_response"},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            auto const begin = [](coauth::client& client, auto done)
            { client.async_introspect(coauth::secret("tok.en-1"), {}, done); };
            auto const request = [&]
            { return run<coauth::result<coauth::introspection>>(begin, config); };
            check_bounds(
                server, response::json(200, R"({"active":true,)" + row.members + "}"), request,
                {row.expected});
        }
}

BOOST_AUTO_TEST_CASE(discovery_takes_bounded_resources)
{
    auto server = start();
    coauth::discovery_options options;
    options.tls = server.config().tls;
    options.lifetime = 0s;
    auto const beginning = R"({"issuer":")" + server.issuer() + R"(","token_endpoint":")" +
                           server.token_endpoint() + "\",";
    for (auto const& [name, more] : {
             std::pair{
                 "grant types", R"("grant_types_supported":[)" + times(mib / 3 - kib, "\"\",")},
             {"algorithms",
              R"("dpop_signing_alg_values_supported":[)" + times(mib / 3 - kib, "\"\",")},
             {"something else", "\"x\":[" + times(mib / 3 - kib, "\"\",")},
         })
        BOOST_TEST_CONTEXT(name)
        {
            auto const request = [&]
            {
                boost::asio::io_context context;
                std::string got;
                coauth::async_discover(
                    context.get_executor(), server.issuer(), options,
                    [&](coauth::result<coauth::authorization_server> const& r)
                    { got = outcome(r); });
                context.run();
                return got;
            };
            check_bounds(
                server, response::json(200, beginning + more + "\"\"]}"), request, {"success"});
        }
}

// A response that is four times as large takes about four times as long, not sixteen times.
BOOST_AUTO_TEST_CASE(cpu_time_is_linear_in_the_size_of_the_response)
{
    auto server = start();
    auto const config = storing_all(server.config());
    for (auto const& row :
         {
             growing_case{
                 "chunks", 180'000,
                 [](std::size_t n) { return in_a_chunk(body, times(n, "1\r\n \r\n")); }},
             {"chunk extension in pieces", 60'000, [](std::size_t n)
              { return in_pieces(in_a_chunk(body, {}, ";" + std::string(n, 'x'))); }},
             {"fields", 8'000, [](std::size_t n)
              { return response::bytes(http_response(token_body, times(n, "X: y\r\n"))); }},
             {"field in pieces", 60'000,
              [](std::size_t n)
              {
                  return in_pieces(response::bytes(
                      http_response(token_body, "X: " + std::string(n, 'y') + "\r\n")));
              }},
             {"body in pieces", 60'000, [](std::size_t n)
              { return in_pieces(response::bytes(ok + "\r\n" + std::string(n, ' ') + body)); }},
             {"spaces", 1'000'000,
              [](std::size_t n) { return response::json(200, std::string(n, ' ') + body); }},
             {"elements", 45'000,
              [](std::size_t n) { return plain("\"x\":[" + times(n, "1,") + "1]"); }},
             {"texts", 45'000,
              [](std::size_t n) { return plain("\"x\":[" + times(n, "\"\\n\",") + "1]"); }},
             {"members", 45'000,
              [](std::size_t n) { return plain("\"x\":{" + numbered(n, "\"#\":1,") + "\"\":1}"); }},
             {"members of the document", 900,
              [](std::size_t n) { return plain("\"x\":1" + numbered(n, ",\"m#\":1")); }},
             {"escapes", 500'000,
              [](std::size_t n) { return plain("\"x\":\"" + times(n, "\\n") + "\""); }},
             {"key", 1'000'000,
              [](std::size_t n) { return plain("\"" + std::string(n, 'k') + "\":1"); }},
             {"number", 1'000'000,
              [](std::size_t n) { return plain("\"x\":" + std::string(n, '1')); }},
             {"tokens in the scope", 250'000,
              [](std::size_t n)
              {
                  return response::json(
                      200, R"({"access_token":"tttt","token_type":"Bearer","scope":")" +
                               times(n, "tttt") + "\"}");
              }},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            auto const little = time_of(server, config, row.make(row.largest / 4));
            auto const much = time_of(server, config, row.make(row.largest));
            BOOST_TEST_MESSAGE(row.name << ": " << little / 1us << " us, " << much / 1us << " us");
            // Very short times vary at random.
            BOOST_TEST((much < 8 * little + 20ms));
        }
}

BOOST_AUTO_TEST_SUITE_END()
