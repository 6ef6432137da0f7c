// A server's bytes in one piece, and split at random: the same comes of both. Options: `s` has
// small limits, `p` ends with a proof, `h` keeps all headers; the digits are the seed.

#include "fuzz.hpp"
#include "net/http_response_parser.hpp"

#include <algorithm>
#include <random>

namespace
{

using coauth::net::http_response_parser;
using fuzz::require;
using state = http_response_parser::state;

struct outcome
{
    state ended = state::more;
    coauth::errc why{};
    std::size_t used = 0;
    bool reusable = false;
    coauth::http_response response;
};

coauth::response_limits limits(fuzz::input const& from)
{
    coauth::response_limits made;
    if (from.has('s'))
        made = {512, 64};
    return made;
}

// Reads until there is a response, or the stream ends.
template <class Size>
outcome read(http_response_parser& reader, fuzz::input const& from, Size next_size)
{
    auto rest = from.rest;
    outcome made;
    while (!rest.empty() && made.ended == state::more)
    {
        auto const room = reader.prepare();
        require(!room.empty(), "there is room for more");
        auto const size = std::min({rest.size(), room.size(), next_size()});
        std::copy_n(rest.begin(), size, room.begin());
        rest.remove_prefix(size);
        made.ended = reader.commit(size);
    }
    made.used = from.rest.size() - rest.size();
    if (made.ended == state::more)
        made.ended = reader.on_eof(from.has('p'));
    if (made.ended == state::failed)
        made.why = reader.failure().value();
    require(reader.complete() == (made.ended == state::complete), "complete is what it says");
    made.reusable = made.ended == state::complete && reader.reusable();
    if (made.ended == state::complete)
        made.response = reader.take();
    return made;
}

void check_response(outcome const& made, coauth::response_limits const& limit)
{
    auto const& response = made.response;
    require(response.status >= 200 && response.status <= 599, "a response has a final status");
    require(response.body.size() <= limit.body, "a body keeps within its limit");
    std::size_t header = 0;
    for (auto const& field : response.headers)
    {
        require(!field.name.empty(), "a field has a name");
        require(!fuzz::holds(field.value, "\n"), "a value is one line");
        header += field.name.size() + field.value.size();
    }
    require(header <= limit.header, "a header keeps within its limit");
}

void check_same(outcome const& one, outcome const& other)
{
    // What is longer than a limit may be seen before it is whole, or not.
    if (one.why == coauth::errc::response_too_large ||
        other.why == coauth::errc::response_too_large)
        return;
    require(one.ended == other.ended, "in one piece or many, it ends the same");
    // The parser beneath does not look at a header in pieces before its end has come.
    auto const cut = [](outcome const& made)
    {
        return made.why == coauth::errc::incomplete_response ||
               made.why == coauth::errc::malformed_http;
    };
    require(one.why == other.why || (cut(one) && cut(other)), "and for the same reason");
    require(one.response.status == other.response.status, "with the same status");
    require(one.response.body == other.response.body, "the same body");
    require(
        std::equal(
            one.response.headers.begin(), one.response.headers.end(),
            other.response.headers.begin(), other.response.headers.end(),
            [](auto const& a, auto const& b) { return a.name == b.name && a.value == b.value; }),
        "and the same headers");
    require(one.used != other.used || one.reusable == other.reusable, "and then as reusable");
}

void check_reading(fuzz::input const& from, coauth::http_response const& response)
{
    auto const got =
        coauth::protocol::read_token_response(fuzz::config(from), {}, response, fuzz::times());
    if (got)
        fuzz::check_token(*got, response);
    else
        fuzz::check_error(got.error(), response);
}

} // namespace

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    fuzz::input const from(data, size);
    auto const limit = limits(from);
    http_response_parser reader(limit, from.has('h'));
    auto const whole = read(reader, from, [] { return std::size_t(-1); });
    // As after a response on a connection that is kept.
    reader.restart();
    std::minstd_rand random(from.number() + 1);
    auto const longest = random() % 2 == 0 ? 3U : 300U;
    auto const split = read(reader, from, [&] { return std::size_t(1) + random() % longest; });
    check_same(whole, split);
    if (whole.ended != state::complete)
        return 0;
    check_response(whole, limit);
    check_reading(from, whole.response);
    return 0;
}
