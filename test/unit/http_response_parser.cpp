// Responses that arrive in pieces. The corpus of the fuzzer has further responses.

#include "net/http_response_parser.hpp"

#include "support.hpp"

#include <algorithm>

using namespace test;

BOOST_AUTO_TEST_SUITE(http_response_parser)

using reader_type = coauth::net::http_response_parser;
using state = reader_type::state;

namespace
{

state give(reader_type& reader, std::string_view bytes)
{
    auto now = state::more;
    while (!bytes.empty() && now == state::more)
    {
        auto const room = reader.prepare();
        auto const some = bytes.substr(0, room.size());
        std::copy(some.begin(), some.end(), room.begin());
        bytes.remove_prefix(some.size());
        now = reader.commit(some.size());
    }
    return now;
}

std::string outcome_of(
    std::vector<std::string> const& pieces, coauth::response_limits const& limits = {512, 64})
{
    reader_type reader(limits);
    auto now = state::more;
    for (auto const& piece : pieces)
        if (now == state::more)
            now = give(reader, piece);
    if (now == state::failed)
        return std::string(to_string(reader.failure().value()));
    return now == state::complete ? "complete" : "more";
}

// Splits the response at each position, at each two positions, and into single bytes.
void check_wherever_it_is_cut(std::string const& response, std::string const& body)
{
    auto const check =
        [&](std::vector<std::string_view> const& pieces, std::size_t a, std::size_t b)
    {
        reader_type reader({512, 64});
        auto now = state::more;
        for (auto const piece : pieces)
        {
            BOOST_TEST_REQUIRE((now == state::more), "before its end, " << a << " and " << b);
            now = give(reader, piece);
        }
        BOOST_TEST((now == state::complete), "cut at " << a << " and " << b << " of " << response);
        BOOST_TEST(reader.reusable());
        auto const got = reader.take();
        BOOST_TEST(got.body.view() == body);
    };
    std::string_view const whole = response;
    for (std::size_t a = 1; a < whole.size(); ++a)
    {
        check({whole.substr(0, a), whole.substr(a)}, a, a);
        for (std::size_t b = a + 1; b < whole.size(); ++b)
            check({whole.substr(0, a), whole.substr(a, b - a), whole.substr(b)}, a, b);
    }
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < whole.size(); ++i)
        bytes.push_back(whole.substr(i, 1));
    check(bytes, 1, 1);
}

constexpr auto chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

} // namespace

BOOST_AUTO_TEST_CASE(a_header_that_arrives_field_by_field_is_limited)
{
    std::vector<std::string> pieces = {"HTTP/1.1 200 OK\r\n"};
    for (int i = 0; i < 30; ++i)
        pieces.push_back("X-A: " + std::string(20, 'a') + "\r\n");
    pieces.emplace_back("Content-Length: 0\r\n\r\n");
    BOOST_TEST(outcome_of(pieces) == "response_too_large");
}

BOOST_AUTO_TEST_CASE(a_chunk_extension_is_limited_like_the_header)
{
    auto const response = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;" +
                          std::string(600, 'a') + "\r\n{}\r\n0\r\n\r\n";
    BOOST_TEST(outcome_of({response}) == "response_too_large");
    BOOST_TEST(outcome_of({response.substr(0, 600), response.substr(600)}) == "response_too_large");
}

BOOST_AUTO_TEST_CASE(a_chunk_extension_longer_than_one_read_is_parsed)
{
    std::string const response =
        chunked + "2;"s + std::string(20'000, 'a') + "\r\n{}\r\n0;b=c\r\n\r\n";
    for (std::size_t const cut : {1'000U, 8'300U, 10'000U, 20'030U, 20'060U})
        BOOST_TEST(
            outcome_of({response.substr(0, cut), response.substr(cut)}, {64 * 1024, 64}) ==
            "complete");
    // The parser's buffer has grown, so that one read returns much of the line.
    auto const fields = "HTTP/1.1 200 OK\r\nX: " + std::string(30'000, 'a') +
                        "\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;";
    BOOST_TEST(
        outcome_of({fields, std::string(20'000, 'a'), "\r\n}\r\n0\r\n\r\n"}, {64 * 1024, 64}) ==
        "complete");
}

BOOST_AUTO_TEST_CASE(a_response_is_complete_wherever_it_is_split)
{
    auto const with_length = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"s;
    auto const one_chunk = chunked + "2\r\n{}\r\n0\r\n\r\n"s;
    check_wherever_it_is_cut(with_length, "{}");
    check_wherever_it_is_cut(one_chunk, "{}");
    check_wherever_it_is_cut(chunked + "1;a=b\r\n{\r\n1\r\n}\r\n000;c\r\n\r\n"s, "{}");
    check_wherever_it_is_cut(chunked + "0\r\nA: b\r\nCc: d\r\n e\r\n\r\n"s, "");
    check_wherever_it_is_cut("HTTP/1.1 100 Continue\r\n\r\n" + one_chunk, "{}");
}

BOOST_AUTO_TEST_CASE(the_response_decides_whether_the_connection_is_reused)
{
    auto const length = "Content-Length: 2\r\n\r\n{}"s;
    for (auto const& [response, expected] : std::vector<std::pair<std::string, bool>>{
             {"HTTP/1.1 200 OK\r\n" + length, true},
             {"HTTP/1.1 503 Busy\r\n" + length, true},
             {"HTTP/1.1 408 Late\r\n" + length, false},
             {"HTTP/1.1 408 Late\r\nConnection: keep-alive\r\n" + length, false},
             {"HTTP/1.1 200 OK\r\nConnection: close\r\n" + length, false},
             {"HTTP/1.1 200 OK\r\nConnection: Close\r\n" + length, false},
             {"HTTP/1.1 200 OK\r\nConnection: keep-alive, close\r\n" + length, false},
             {"HTTP/1.1 200 OK\r\nConnection: close\r\nConnection: keep-alive\r\n" + length, false},
             {"HTTP/1.1 200 OK\r\nConnection: x-close\r\n" + length, true},
             {"HTTP/1.0 200 OK\r\n" + length, false},
             {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + length, true},
             {"HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\n" + length, false},
             {"HTTP/1.1 200 OK\r\n" + length + "H", false},
         })
        BOOST_TEST_CONTEXT(response)
        {
            reader_type reader({512, 64});
            BOOST_TEST((give(reader, response) == state::complete));
            BOOST_TEST(reader.reusable() == expected);
        }
}

BOOST_AUTO_TEST_CASE(after_the_last_chunk_only_trailers_are_accepted)
{
    BOOST_TEST(outcome_of({chunked, "0\r\n", "%", "\r\n"}) != "complete");
    BOOST_TEST(outcome_of({chunked, "0\r\n", "%", "\r\n", "\r\n"}) == "malformed_http");
    for (auto const* const field : {"Content-Length: 1", "Transfer-Encoding: chunked"})
        BOOST_TEST(
            outcome_of({chunked, "0\r\n", field, "\r\n", "\r\n"}) == "malformed_http", field);
    auto const much = "A: " + std::string(600, 'a');
    BOOST_TEST(outcome_of({chunked, "0\r\n", much, "\r\n\r\n"}) == "response_too_large");
}

BOOST_AUTO_TEST_SUITE_END()
