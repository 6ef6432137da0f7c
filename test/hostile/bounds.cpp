// What no response may do, however it is made: take much memory, much from the wire, or much time
// of the processor.

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

// So many, with numbers in place of '#'.
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
    auto made = response::bytes(before + repeated);
    made.repeat_from = before.size();
    return made;
}

// A token, and what else the document says.
std::string document(std::string const& more)
{
    return R"({"access_token":"tok.en-1","token_type":"Bearer",)" + more + "}";
}

response plain(std::string const& more)
{
    return response::bytes(http_response(document(more)));
}

response refusal(std::string const& said)
{
    return response::json(400, said);
}

// Every field that the response may have, and the text of all of it.
coauth::client_config keeping_all(coauth::client_config config)
{
    config.keep_headers = true;
    config.debug = [](std::string_view) {};
    return config;
}

// Nearly so many bytes in the format "deflate" (RFC 1951) that become 158 times as many spaces.
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
    // The last block, of fixed codes: a space, and again and again 258 bytes as one byte before.
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
    auto made = response::json(200, text);
    if (coding != nullptr)
        made.headers.add("Content-Encoding", coding);
    return made;
}

// One chunk, and the last one; `before` stands in place of other chunks, `extension` in the first
// line.
response in_a_chunk(
    std::string const& text, std::string const& before = {}, std::string const& extension = {})
{
    std::array<char, 16> digits{};
    auto const end = std::to_chars(digits.begin(), digits.end(), text.size(), 16).ptr;
    std::string const size(digits.begin(), end);
    return response::bytes(chunked + before + size + extension + "\r\n" + text + "\r\n0\r\n\r\n");
}

using row = std::pair<char const*, response>;

// `ask` says how it ended.
void check_bounds(
    authorization_server& server, response const& one, std::function<std::string()> const& ask,
    std::set<std::string> const& expected)
{
    server.push_response(one);
    resource_meter const meter;
    auto const got = ask();
    BOOST_TEST_MESSAGE(
        got << ", " << meter.memory() / kib << " KiB of memory, " << meter.bytes() / kib
            << " KiB from the wire, " << meter.processor().count() / 1000 << " us");
    BOOST_TEST(expected.contains(got), got);
    BOOST_TEST(meter.memory() < most_memory);
    BOOST_TEST(meter.bytes() < most_bytes);
}

// Each with little and with everything kept.
void check_tokens(std::vector<row> const& rows, std::set<std::string> const& expected)
{
    auto server = start();
    auto const config = server.config();
    (void)require_token(fetch(config));
    for (auto const& [name, one] : rows)
        for (bool const all : {false, true})
            BOOST_TEST_CONTEXT(name << (all ? ", all kept" : ""))
            {
                auto const chosen = all ? keeping_all(config) : config;
                check_bounds(
                    server, one, [&] { return outcome(fetch_without_log_scan(chosen)); }, expected);
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

// What a response has so many of.
struct growing_row
{
    char const* name;
    std::size_t most;
    std::function<response(std::size_t)> make;
};

// The least of some: what else the processor does is no matter of ours.
std::chrono::nanoseconds
time_of(authorization_server& server, coauth::client_config const& config, response const& one)
{
    auto least = std::chrono::nanoseconds::max();
    for (int i = 0; i < 3; ++i)
    {
        server.push_response(one);
        resource_meter const meter;
        auto const got = fetch(config);
        least = std::min(least, meter.processor());
        BOOST_TEST(outcome(got) == "success");
    }
    return least;
}

response in_pieces(response one)
{
    one.piece = 4;
    return one;
}

} // namespace

BOOST_AUTO_TEST_SUITE(bounds)

BOOST_AUTO_TEST_CASE(what_is_taken_is_measured)
{
    auto server = start();
    server.push_response(plain("\"x\":\"" + std::string(512 * kib, 'x') + "\""));
    resource_meter const meter;
    (void)require_token(fetch(server.config()));
    BOOST_TEST(meter.memory() > 512 * kib);
    BOOST_TEST(meter.bytes() > 512 * kib);
    BOOST_TEST(meter.processor() > 10us);
}

BOOST_AUTO_TEST_CASE(what_has_no_end_is_left)
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

BOOST_AUTO_TEST_CASE(what_is_too_much_is_refused)
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

// Nobody asked for a coding.
BOOST_AUTO_TEST_CASE(a_body_that_decodes_to_much_is_not_decoded)
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

BOOST_AUTO_TEST_CASE(what_is_much_is_taken)
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
             in_a_chunk(document("\"x\":[" + times(mib / 22 - kib, twenty_digits) + "1]"))},
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

BOOST_AUTO_TEST_CASE(no_refusal_takes_much)
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

BOOST_AUTO_TEST_CASE(no_introspection_takes_much)
{
    auto server = start();
    auto const config = server.config();
    struct introspection_row
    {
        char const* name;
        std::string members;
        char const* expected;
    };
    for (auto const& row : {
             introspection_row{
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
            auto const ask = [&]
            { return run<coauth::result<coauth::introspection>>(begin, config); };
            check_bounds(
                server, response::json(200, R"({"active":true,)" + row.members + "}"), ask,
                {row.expected});
        }
}

BOOST_AUTO_TEST_CASE(no_metadata_take_much)
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
            auto const ask = [&]
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
                server, response::json(200, beginning + more + "\"\"]}"), ask, {"success"});
        }
}

// Four times as much takes four times as long, not sixteen times.
BOOST_AUTO_TEST_CASE(time_grows_no_faster_than_the_response)
{
    auto server = start();
    auto const config = keeping_all(server.config());
    for (auto const& row :
         {
             growing_row{
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
            auto const little = time_of(server, config, row.make(row.most / 4));
            auto const much = time_of(server, config, row.make(row.most));
            BOOST_TEST_MESSAGE(row.name << ": " << little / 1us << " us, " << much / 1us << " us");
            // What takes next to no time grows at random.
            BOOST_TEST((much < 8 * little + 20ms));
        }
}

BOOST_AUTO_TEST_SUITE_END()
