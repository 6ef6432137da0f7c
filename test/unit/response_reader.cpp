// What depends on how the bytes of an answer are cut into pieces; the rest is in the corpus of the
// fuzzer.

#include "net/response_reader.hpp"

#include "support.hpp"

#include <algorithm>

using namespace test;
using reader_type = coauth::net::response_reader;
using state = reader_type::state;

namespace
{

std::string outcome_of(std::vector<std::string> const& pieces)
{
    reader_type reader({512, 64, 2});
    auto now = state::more;
    for (auto const& piece : pieces)
    {
        if (now != state::more)
            break;
        auto const room = reader.prepare();
        BOOST_TEST_REQUIRE(room.size() >= piece.size());
        std::copy(piece.begin(), piece.end(), room.begin());
        now = reader.commit(piece.size());
    }
    if (now == state::failed)
        return std::string(to_string(reader.failure().value()));
    return now == state::complete ? "complete" : "more";
}

} // namespace

BOOST_AUTO_TEST_SUITE(response_reader)

BOOST_AUTO_TEST_CASE(a_header_that_comes_field_by_field_keeps_within_its_limit)
{
    std::vector<std::string> pieces = {"HTTP/1.1 200 OK\r\n"};
    for (int i = 0; i < 30; ++i)
        pieces.push_back("X-A: " + std::string(20, 'a') + "\r\n");
    pieces.emplace_back("Content-Length: 0\r\n\r\n");
    BOOST_TEST(outcome_of(pieces) == "answer_too_large");
}

BOOST_AUTO_TEST_CASE(an_extension_of_a_chunk_keeps_within_the_limit_of_the_header)
{
    auto const answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;" +
                        std::string(600, 'a') + "\r\n{}\r\n0\r\n\r\n";
    BOOST_TEST(outcome_of({answer}) == "answer_too_large");
    BOOST_TEST(outcome_of({answer.substr(0, 600), answer.substr(600)}) == "answer_too_large");
}

BOOST_AUTO_TEST_CASE(a_last_chunk_that_comes_byte_by_byte)
{
    auto const header = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"s;
    BOOST_TEST(outcome_of({header, "0\r\n", "\r", "\n"}) == "complete");
    BOOST_TEST(outcome_of({header, "0\r\n", "%", "\r\n"}) == "more");
    BOOST_TEST(outcome_of({header, "2", "\r", "\n", "{", "}", "\r\n0\r\n\r\n"}) == "complete");
}

BOOST_AUTO_TEST_SUITE_END()
