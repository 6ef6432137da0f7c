#include "misbehaviour.hpp"

#include <random>

namespace soak
{

using namespace std::chrono_literals;
using coauth::testing::response;
using coauth::testing::response_end;

namespace
{

constexpr unsigned percent_good = 70;

response delayed(response late, std::chrono::milliseconds delay)
{
    late.delay = delay;
    return late;
}

response with_field(response changed, char const* name, char const* value)
{
    changed.headers.add(name, value);
    return changed;
}

std::string body(std::string const& token)
{
    return R"({"access_token":")" + token + R"(","token_type":"Bearer","expires_in":3600})";
}

} // namespace

unsigned misbehaviour::draw(std::size_t n, unsigned salt, unsigned below) const
{
    std::seed_seq from{
        static_cast<unsigned>(seed_), static_cast<unsigned>(seed_ >> 32U), static_cast<unsigned>(n),
        static_cast<unsigned>(n >> 32U), salt};
    return static_cast<unsigned>(std::minstd_rand(from)()) % below;
}

bool misbehaviour::good(std::size_t n) const
{
    return draw(n, 0, 100) < percent_good;
}

std::string misbehaviour::token(std::size_t n)
{
    return "token-" + std::to_string(n);
}

response misbehaviour::response(std::size_t n) const
{
    auto const complete = response::json(200, body(token(n)));
    if (good(n))
        return complete;
    // A client must not use the token of these responses.
    auto const bad = body("foreign-" + std::to_string(n));
    auto const text =
        "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(bad.size()) + "\r\n\r\n" + bad;
    switch (draw(n, 1, 12))
    {
    case 0:
        return with_field(response::json(503, "{}"), "Retry-After", "1");
    case 1:
        return with_field(response::json(429, "{}"), "Retry-After", "1");
    case 2:
        return response::json(400, R"({"error":"invalid_scope"})");
    case 3:
        return response::nothing(response_end::reset);
    case 4:
        return response::nothing(response_end::close);
    case 5:
    {
        auto cut = response::bytes(text, response_end::truncate);
        cut.cut_at = draw(n, 2, static_cast<unsigned>(text.size()));
        return cut;
    }
    case 6:
    {
        // Few stall, since each one occupies a connection until the attempt times out.
        auto const end = draw(n, 3, 20) == 0 ? response_end::stall : response_end::reset;
        auto cut = response::bytes(text, end);
        cut.cut_at = draw(n, 2, static_cast<unsigned>(text.size()));
        return cut;
    }
    case 7:
    {
        auto endless = response::bytes("HTTP/1.1 200 OK\r\nX-Field: value\r\n");
        endless.repeat_from = 17;
        return endless;
    }
    case 8:
        return response::bytes(
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n" + bad);
    case 9:
        return delayed(response::json(502, "<html>"), 300ms);
    case 10:
        return response::json(302, bad);
    default:
        return response::json(200, bad.substr(0, bad.size() / 2));
    }
}

} // namespace soak
