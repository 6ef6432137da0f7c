// A server's bytes in one piece and split at random: both have the same outcome. Options: `s` has
// small limits, `p` ends with close_notify, `h` keeps all headers; the digits are the seed.

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
    coauth::errc failure{};
    std::size_t used = 0;
    bool reusable = false;
    coauth::http_response response;
};

coauth::response_limits limits(fuzz::input const& from)
{
    coauth::response_limits result;
    if (from.has('s'))
        result = {512, 64};
    return result;
}

// Reads a response, to the end of the stream at most.
template <class Size>
outcome read(http_response_parser& reader, fuzz::input const& from, Size next_size)
{
    auto rest = from.rest;
    outcome result;
    while (!rest.empty() && result.ended == state::more)
    {
        auto const room = reader.prepare();
        require(!room.empty(), "there is room for more");
        auto const size = std::min({rest.size(), room.size(), next_size()});
        std::copy_n(rest.begin(), size, room.begin());
        rest.remove_prefix(size);
        result.ended = reader.commit(size);
    }
    result.used = from.rest.size() - rest.size();
    if (result.ended == state::more)
        result.ended = reader.on_eof(from.has('p'));
    if (result.ended == state::failed)
        result.failure = reader.failure().value();
    require(reader.complete() == (result.ended == state::complete), "complete is what it says");
    result.reusable = result.ended == state::complete && reader.reusable();
    if (result.ended == state::complete)
        result.response = reader.take();
    return result;
}

void check_response(outcome const& result, coauth::response_limits const& limit)
{
    auto const& response = result.response;
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

void check_same(outcome const& whole, outcome const& split)
{
    // A part that exceeds a limit may be noticed before it is complete.
    if (whole.failure == coauth::errc::response_too_large ||
        split.failure == coauth::errc::response_too_large)
        return;
    require(whole.ended == split.ended, "in one piece or many, it ends the same");
    // Beast parses a header that arrives in pieces only when its end has arrived.
    auto const cut = [](outcome const& result)
    {
        return result.failure == coauth::errc::incomplete_response ||
               result.failure == coauth::errc::malformed_http;
    };
    require(
        whole.failure == split.failure || (cut(whole) && cut(split)), "and for the same reason");
    require(whole.response.status == split.response.status, "with the same status");
    require(whole.response.body == split.response.body, "the same body");
    require(
        std::equal(
            whole.response.headers.begin(), whole.response.headers.end(),
            split.response.headers.begin(), split.response.headers.end(),
            [](auto const& a, auto const& b) { return a.name == b.name && a.value == b.value; }),
        "and the same headers");
    require(whole.used != split.used || whole.reusable == split.reusable, "and then as reusable");
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
    // As before the next response of a reused connection.
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
