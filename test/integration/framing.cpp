// HTTP framing (RFC 9112): responses that end early, have invalid framing, or are endless or slow.

#include "client_fixture.hpp"
#include "fixture.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <map>

using namespace test;

BOOST_AUTO_TEST_SUITE(framing)

namespace
{

std::string const ok = "HTTP/1.1 200 OK\r\n";
std::string const body = token_body;
std::string const length = "Content-Length: " + std::to_string(body.size()) + "\r\n";
std::string const chunked = "Transfer-Encoding: chunked\r\n";

std::string hex(std::size_t number)
{
    std::string out;
    for (; number != 0; number /= 16)
        out.insert(out.begin(), "0123456789abcdef"[number % 16]);
    return out;
}

// The body in one chunk. `size` replaces the text of its size.
std::string one_chunk(std::string const& size = hex(body.size()))
{
    return size + "\r\n" + body + "\r\n0\r\n\r\n";
}

std::string times(std::size_t count, std::string const& text)
{
    std::string out;
    out.reserve(count * text.size());
    for (std::size_t i = 0; i < count; ++i)
        out += text;
    return out;
}

std::string with_nul(std::string text)
{
    text[text.find('@')] = '\0';
    return text;
}

struct row
{
    char const* name;
    std::string raw;
    char const* expected;
    response_end end = response_end::close;
};

// Each row is one request over one connection, to which the server responds with the row's bytes. A
// connection is not reused after an error.
void check(std::vector<row> const& rows)
{
    auto server = start();
    for (auto const& row : rows)
        BOOST_TEST_CONTEXT(row.name)
        {
            auto const requests_before = server.requests().size();
            server.push_response(response::bytes(row.raw, row.end));
            client_fixture kept(single_attempt(server));
            stopwatch const watch;
            auto const got = kept.fetch();
            BOOST_TEST(outcome(got) == row.expected);
            BOOST_TEST(watch.elapsed() < (row.end == response_end::stall ? 1s : 5s));
            BOOST_TEST(server.requests().size() == requests_before + 1);
            BOOST_TEST((got || kept.client.counters().open == 0U));
            check_no_secret(got, "tok.en-1");
        }
}

// All at the same time, since each one takes until its deadline.
void check_all_time_out(std::vector<response> const& responses)
{
    auto server = start();
    for (auto const& a : responses)
        server.push_response(a);
    auto config = server.config();
    config.timeout = 1s;
    stopwatch const watch;
    std::map<std::string, std::size_t> counts;
    for (auto const& got : fetch_many(config, responses.size()))
    {
        ++counts[outcome(got)];
        check_no_secret(got, "tok.en-1");
    }
    BOOST_TEST(counts["timeout"] == responses.size());
    BOOST_TEST(watch.elapsed() >= 1s);
    BOOST_TEST(watch.elapsed() < 5s);
}

response trickling(std::string raw, std::optional<std::size_t> repeat_from = std::nullopt)
{
    auto result = response::bytes(std::move(raw));
    result.piece = 1;
    result.piece_delay = 30ms;
    result.repeat_from = repeat_from;
    return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(valid_responses_are_accepted)
{
    check({
        {"length, kept alive", ok + length + "\r\n" + body, "success", response_end::keep_alive},
        {"length, closed", ok + length + "\r\n" + body, "success"},
        {"length, no close_notify", ok + length + "\r\n" + body, "success", response_end::truncate},
        {"length, never closed", ok + length + "\r\n" + body, "success", response_end::stall},
        {"length, reset after it", ok + length + "\r\n" + body, "success", response_end::reset},
        {"no length, close_notify", ok + "\r\n" + body, "success"},
        {"one chunk", ok + chunked + "\r\n" + one_chunk(), "success", response_end::stall},
        {"two chunks",
         ok + chunked + "\r\n1\r\n{\r\n" + hex(body.size() - 1) + "\r\n" + body.substr(1) +
             "\r\n0\r\n\r\n",
         "success", response_end::stall},
        {"size in capitals, with zeros", ok + chunked + "\r\n" + one_chunk("00" + hex(body.size())),
         "success"},
        {"chunk extension", ok + chunked + "\r\n" + one_chunk(hex(body.size()) + ";a=\"b\""),
         "success"},
        {"trailer",
         ok + chunked + "\r\n" + hex(body.size()) + "\r\n" + body +
             "\r\n0\r\nX-Checksum: 1\r\n\r\n",
         "success"},
        {"coding in capitals", ok + "transfer-encoding: Chunked\r\n\r\n" + one_chunk(), "success"},
        {"names in capitals",
         ok + "CONTENT-LENGTH:" + std::to_string(body.size()) + " \t\r\n\r\n" + body, "success"},
        {"HTTP/1.0", "HTTP/1.0 200 OK\r\n" + length + "\r\n" + body, "success"},
        {"empty reason", "HTTP/1.1 200 \r\n" + length + "\r\n" + body, "success"},
        {"100 before", "HTTP/1.1 100 Continue\r\n\r\n" + ok + length + "\r\n" + body, "success"},
        {"103 with fields before",
         "HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n" + ok + length + "\r\n" +
             body,
         "success"},
        {"16 informational responses before",
         times(16, "HTTP/1.1 102 Processing\r\n\r\n") + ok + length + "\r\n" + body, "success"},
        {"16 KiB of good fields",
         ok + times(256, "X-Field: " + std::string(52, 'v') + "\r\n") + length + "\r\n" + body,
         "success"},
    });
}

// The first response is used, and the following bytes are ignored.
BOOST_AUTO_TEST_CASE(bytes_after_a_response_are_ignored)
{
    auto const good = ok + length + "\r\n" + body;
    auto const foreign =
        http_response(R"({"access_token":"foreign","token_type":"Bearer","expires_in":9})");
    auto server = start();
    boost::asio::io_context context;
    coauth::client client(context.get_executor(), with_log_scan(server.config()));
    for (auto const& extra :
         {foreign, std::string("rubbish"), std::string(100'000, 'x'), std::string("\r\n\r\n"),
          foreign + foreign})
        BOOST_TEST_CONTEXT(extra.substr(0, 20))
        {
            server.push_response(response::bytes(good + extra, response_end::stall));
            for (auto const* const expected : {"tok.en-1", ""})
            {
                std::optional<token_result> got;
                client.async_get_access_token(
                    coauth::token_request(), [&](token_result r) { got = std::move(r); });
                context.restart();
                context.run();
                BOOST_REQUIRE(got);
                auto const& token = require_token(*got);
                // The second response is not scripted: the server issues a random token.
                BOOST_TEST(token.value() != "foreign");
                if (*expected)
                    BOOST_TEST(token.value() == expected);
                else
                    BOOST_TEST(token.value().size() == 40U);
            }
        }
}

BOOST_AUTO_TEST_CASE(responses_that_end_early_are_incomplete)
{
    check({
        {"length too big", ok + "Content-Length: 500\r\n\r\n" + body, "incomplete_response"},
        {"length too big, no close_notify", ok + "Content-Length: 500\r\n\r\n" + body,
         "incomplete_response", response_end::truncate},
        {"no length and no close_notify", ok + "\r\n" + body, "incomplete_response",
         response_end::truncate},
        {"no length and a reset", ok + "\r\n" + body, "incomplete_response", response_end::reset},
        {"no last chunk", ok + chunked + "\r\n" + hex(body.size()) + "\r\n" + body + "\r\n",
         "incomplete_response"},
        {"no line break after the last chunk",
         ok + chunked + "\r\n" + hex(body.size()) + "\r\n" + body + "\r\n0\r\n",
         "incomplete_response"},
        {"an informational response alone", "HTTP/1.1 100 Continue\r\n\r\n", "incomplete_response"},
        {"header without end", ok + length, "incomplete_response"},
    });
}

BOOST_AUTO_TEST_CASE(every_cut_of_a_response_is_noticed)
{
    std::string const small = R"({"access_token":"x"})";
    auto server = start();
    auto const config = server.config();
    for (auto const& whole :
         {http_response(small), ok + chunked + "\r\n1\r\n{\r\n" + hex(small.size() - 1) +
                                    ";a=b\r\n" + small.substr(1) + "\r\n0\r\nX: y\r\n\r\n"})
    {
        for (auto const end : {response_end::close, response_end::truncate, response_end::reset})
            for (std::size_t cut = 0; cut < whole.size(); ++cut)
                BOOST_TEST_CONTEXT(whole.substr(0, cut) << ", ending " << static_cast<int>(end))
                {
                    auto part = response::bytes(whole, end);
                    part.cut_at = cut;
                    server.push_response(part);
                    auto const got = outcome(fetch(config));
                    BOOST_TEST(got == (cut == 0 ? "connection_lost" : "incomplete_response"));
                }
        server.push_response(response::bytes(whole));
        BOOST_TEST(outcome(fetch(config)) == "success");
    }
}

BOOST_AUTO_TEST_CASE(a_stall_anywhere_ends_at_the_deadline)
{
    auto const whole = http_response(R"({"access_token":"x"})");
    std::vector<response> stalls;
    for (std::size_t cut = 0; cut < whole.size(); cut += 3)
    {
        stalls.push_back(response::bytes(whole, response_end::stall));
        stalls.back().cut_at = cut;
    }
    stalls.push_back(response::bytes(whole, response_end::stall));
    stalls.back().cut_at = whole.size() - 1;
    check_all_time_out(stalls);
}

BOOST_AUTO_TEST_CASE(a_slow_response_does_not_move_the_deadline)
{
    auto late = response::json(200, token_body);
    late.delay = 4s;
    check_all_time_out({
        trickling(http_response(token_body)),
        trickling(times(100, "HTTP/1.1 102 Processing\r\n\r\n")),
        trickling("HTTP/1.1 102 Processing\r\n\r\n", 0),
        trickling("HTTP/1.1 200 OK\r\nX-Field: value\r\n", 17),
        trickling("HTTP/1.1 200 OK\r\nX-Field: value", 26),
        trickling(ok + chunked + "\r\n" + one_chunk()),
        trickling(ok + chunked + "\r\n1\r\n \r\n", ok.size() + chunked.size() + 2),
        trickling(ok + "\r\n" + body, ok.size() + 2),
        late,
    });
}

BOOST_AUTO_TEST_CASE(ambiguous_framing_is_refused)
{
    auto const lengths = [](std::string const& fields) { return ok + fields + "\r\n" + body; };
    auto const number = std::to_string(body.size());
    check({
        {"two lengths that differ", lengths(length + "Content-Length: 5\r\n"), "malformed_http"},
        {"two lengths that differ, the other first", lengths("Content-Length: 5\r\n" + length),
         "malformed_http"},
        {"two lengths, equal", lengths(length + length), "malformed_http"},
        {"list of lengths", lengths("Content-Length: " + number + ", " + number + "\r\n"),
         "malformed_http"},
        {"plus sign", lengths("Content-Length: +" + number + "\r\n"), "malformed_http"},
        {"minus sign", lengths("Content-Length: -1\r\n"), "malformed_http"},
        {"hexadecimal", lengths("Content-Length: 0x" + hex(body.size()) + "\r\n"),
         "malformed_http"},
        {"fraction", lengths("Content-Length: " + number + ".0\r\n"), "malformed_http"},
        {"exponent", lengths("Content-Length: 7e1\r\n"), "malformed_http"},
        {"empty", lengths("Content-Length:\r\n"), "malformed_http"},
        {"word", lengths("Content-Length: many\r\n"), "malformed_http"},
        {"space within", lengths("Content-Length: 7 0\r\n"), "malformed_http"},
        {"2^64 and more", lengths("Content-Length: 18446744073709551686\r\n"), "malformed_http"},
        {"40 digits", lengths("Content-Length: " + std::string(40, '9') + "\r\n"),
         "malformed_http"},
        {"length and chunked", ok + length + chunked + "\r\n" + one_chunk(), "malformed_http"},
        {"chunked and length", ok + chunked + length + "\r\n" + one_chunk(), "malformed_http"},
        {"gzip coding", ok + "Transfer-Encoding: gzip\r\n\r\n" + body, "malformed_http"},
        {"gzip, chunked", ok + "Transfer-Encoding: gzip, chunked\r\n\r\n" + one_chunk(),
         "malformed_http"},
        {"chunked, gzip", ok + "Transfer-Encoding: chunked, gzip\r\n\r\n" + one_chunk(),
         "malformed_http"},
        {"chunked twice", ok + "Transfer-Encoding: chunked, chunked\r\n\r\n" + one_chunk(),
         "malformed_http"},
        {"two codings", ok + chunked + chunked + "\r\n" + one_chunk(), "malformed_http"},
        {"identity", ok + "Transfer-Encoding: identity\r\n\r\n" + body, "malformed_http"},
        {"unknown coding", ok + "Transfer-Encoding: xchunked\r\n\r\n" + one_chunk(),
         "malformed_http"},
        {"chunked in HTTP/1.0", "HTTP/1.0 200 OK\r\n" + chunked + "\r\n" + one_chunk(),
         "malformed_http"},
    });
}

BOOST_AUTO_TEST_CASE(faulty_chunks_are_refused)
{
    auto const chunks = [](std::string const& rest) { return ok + chunked + "\r\n" + rest; };
    auto const size = hex(body.size());
    check({
        {"size of no digits", chunks("zz\r\n" + body), "malformed_http"},
        {"negative size", chunks("-1\r\n" + body), "malformed_http"},
        {"0x", chunks(one_chunk("0x" + size)), "malformed_http"},
        {"plus", chunks(one_chunk("+" + size)), "malformed_http"},
        {"space before", chunks(one_chunk(" " + size)), "malformed_http"},
        {"2^64 and more", chunks(one_chunk("100000000000000" + size)), "malformed_http"},
        {"empty size", chunks("\r\n" + body + "\r\n0\r\n\r\n"), "malformed_http"},
        {"size too small", chunks("5\r\n" + body + "\r\n0\r\n\r\n"), "malformed_http"},
        {"size too big", chunks(one_chunk(hex(body.size() + 2))), "malformed_http"},
        {"no line break after the data", chunks(size + "\r\n" + body + "0\r\n\r\n"),
         "malformed_http"},
        {"body without chunks", chunks(body), "incomplete_response"},
        {"length in the trailer",
         chunks(size + "\r\n" + body + "\r\n0\r\nContent-Length: 5\r\n\r\n"), "malformed_http"},
        {"coding in the trailer",
         chunks(size + "\r\n" + body + "\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"),
         "malformed_http"},
        {"no field in the trailer", chunks(size + "\r\n" + body + "\r\n0\r\nrubbish\r\n\r\n"),
         "malformed_http"},
        {"chunk of 10 GiB", chunks("280000000\r\n" + body), "response_too_large",
         response_end::stall},
    });
}

BOOST_AUTO_TEST_CASE(faulty_headers_are_refused)
{
    auto const field = [](std::string const& line)
    { return ok + line + "\r\n" + length + "\r\n" + body; };
    check({
        {"NUL in a value", with_nul(field("X: a@b")), "malformed_http"},
        {"NUL in a name", with_nul(field("X@Y: a")), "malformed_http"},
        {"CR in a value", field("X: a\rb"), "malformed_http"},
        {"no colon", field("rubbish"), "malformed_http"},
        {"no name", field(": value"), "malformed_http"},
        {"space before the colon", field("X : value"), "malformed_http"},
        {"space in the name", field("X Y: value"), "malformed_http"},
        {"space before the first name", field(" X: value"), "malformed_http"},
        {"letter beyond ASCII in a name", field("X\xC3\xA9: value"), "malformed_http"},
        {"NUL in the reason", with_nul("HTTP/1.1 200 O@K\r\n" + length + "\r\n" + body),
         "malformed_http"},
        {"status of two digits", "HTTP/1.1 20 OK\r\n" + length + "\r\n" + body, "malformed_http"},
        {"status of four digits", "HTTP/1.1 2000 OK\r\n" + length + "\r\n" + body,
         "malformed_http"},
        {"negative status", "HTTP/1.1 -20 OK\r\n" + length + "\r\n" + body, "malformed_http"},
        {"status 000", "HTTP/1.1 000 OK\r\n" + length + "\r\n" + body, "malformed_http"},
        {"status 999", "HTTP/1.1 999 OK\r\n" + length + "\r\n" + body, "malformed_http"},
        {"no status", "HTTP/1.1\r\n" + length + "\r\n" + body, "malformed_http"},
        {"HTTP/2.0", "HTTP/2.0 200 OK\r\n" + length + "\r\n" + body, "malformed_http"},
        {"101",
         "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n" + ok + length + "\r\n" + body,
         "malformed_http"},
    });
}

BOOST_AUTO_TEST_CASE(other_protocols_are_refused)
{
    check({
        {"SSH", "SSH-2.0-OpenSSH_9.2p1\r\n", "malformed_http"},
        {"SMTP", "220 mail.example ESMTP\r\n", "malformed_http"},
        {"FTP", "220-files.example\r\n220 FTP server ready\r\n", "malformed_http"},
        {"JSON alone", body, "malformed_http"},
        {"HTTP/0.9", "<html><body>It works</body></html>", "malformed_http"},
        {"HTTP/2 settings", std::string("\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64", 15),
         "malformed_http"},
        {"a request", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "malformed_http"},
        {"noise", times(1000, "\xE1\x9A\x03\x7F\xFE\x55\xAA"), "malformed_http"},
        {"empty lines first", "\r\n\r\n" + http_response(token_body), "malformed_http"},
    });
}

BOOST_AUTO_TEST_CASE(oversized_responses_are_refused)
{
    std::string const mib(1024 * 1024, 'v');
    check({
        {"10 GiB promised", ok + "Content-Length: 10737418240\r\n\r\n" + body, "response_too_large",
         response_end::stall},
        {"2^32 and the size promised",
         ok + "Content-Length: " + std::to_string((std::uint64_t(1) << 32U) + body.size()) +
             "\r\n\r\n" + body,
         "response_too_large", response_end::stall},
        {"one byte more than the limit", ok + "Content-Length: 1048577\r\n\r\n" + mib + "v",
         "response_too_large"},
        {"the same without a length", ok + "\r\n" + mib + "v", "response_too_large"},
        {"the same in chunks",
         ok + chunked + "\r\n" + times(17, "10000\r\n" + mib.substr(0, 65536) + "\r\n") +
             "0\r\n\r\n",
         "response_too_large"},
        {"17 informational responses",
         times(17, "HTTP/1.1 102 Processing\r\n\r\n") + http_response(token_body),
         "response_too_large"},
        {"name of 64 KiB", ok + std::string(65536, 'N') + ": v\r\n" + length + "\r\n" + body,
         "response_too_large"},
        {"value of 1 MiB", ok + "X: " + mib + "\r\n" + length + "\r\n" + body,
         "response_too_large"},
        {"100,000 fields", ok + times(100'000, "X: y\r\n") + length + "\r\n" + body,
         "response_too_large"},
        {"status line of 1 MiB", "HTTP/1.1 200 " + mib + "\r\n" + length + "\r\n" + body,
         "response_too_large"},
        {"chunk extension of 1 MiB",
         ok + chunked + "\r\n" + one_chunk(hex(body.size()) + ";" + mib), "response_too_large"},
        {"trailer of 1 MiB",
         ok + chunked + "\r\n" + hex(body.size()) + "\r\n" + body + "\r\n0\r\nX: " + mib +
             "\r\n\r\n",
         "response_too_large"},
    });
}

BOOST_AUTO_TEST_CASE(limits_of_a_response_are_configurable)
{
    auto server = start();
    auto config = server.config();
    config.limits.body = body.size();
    config.limits.header = 512;

    server.push_response(response::bytes(http_response(token_body)));
    BOOST_TEST(outcome(fetch(config)) == "success");
    server.push_response(response::bytes(http_response(body + " ")));
    BOOST_TEST(outcome(fetch(config)) == "response_too_large");
    server.push_response(
        response::bytes(http_response(token_body, "X: " + std::string(512, 'v') + "\r\n")));
    BOOST_TEST(outcome(fetch(config)) == "response_too_large");
}

// The reader stops at its limits. The tolerance is for the socket buffers of both sides.
BOOST_AUTO_TEST_CASE(endless_responses_are_abandoned_at_the_limit)
{
    struct endless_case
    {
        char const* name;
        std::string raw;
        std::size_t repeat_from;
        char const* expected;
    };
    for (auto const& row : std::vector<endless_case>{
             {"body", ok + "\r\n" + body, ok.size() + 2, "response_too_large"},
             {"chunks", ok + chunked + "\r\n5\r\n     \r\n", ok.size() + chunked.size() + 2,
              "response_too_large"},
             {"fields", ok + "X: y\r\n", ok.size(), "response_too_large"},
             {"informational responses", "HTTP/1.1 102 Processing\r\n\r\n", 0,
              "response_too_large"},
             {"one field", ok + "X: y", ok.size() + 3, "response_too_large"},
             {"empty lines", "\r\n", 0, "malformed_http"},
             {"noise", "noise", 0, "malformed_http"},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            auto server = start();
            auto endless = response::bytes(row.raw);
            endless.repeat_from = row.repeat_from;
            server.push_response(endless);
            auto const got = fetch(server.config());
            BOOST_TEST(outcome(got) == row.expected);
            BOOST_TEST(server.bytes_sent() < 16U * 1024 * 1024);
        }
}

BOOST_AUTO_TEST_SUITE_END()
