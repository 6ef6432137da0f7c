// Records of a token store, and the keys that encrypt them.

#include "token_store/record.hpp"

#include "fuzz.hpp"
#include "values/encoding.hpp"

#include <chrono>

namespace
{

using namespace std::chrono_literals;
using coauth::detail::key_ring;
using coauth::detail::record_content;

constexpr std::string_view ring = "a:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
constexpr std::string_view name = "coauth:{name}";

coauth::detail::clock_pair now()
{
    return {
        std::chrono::system_clock::time_point(1'800'000'000s),
        std::chrono::steady_clock::time_point(1000h)};
}

void check_keys(std::string_view text)
{
    auto const parsed = key_ring::parse(text);
    if (parsed)
        return fuzz::require(
            parsed->first().sealing.size() == 32 && key_ring::is_id(parsed->first().id),
            "a key has 32 bytes and an id");
    auto const message = parsed.error().message();
    fuzz::check_text(message);
    constexpr std::size_t part = 40;
    for (std::size_t i = 0; i + part <= text.size(); i += part)
    {
        auto const piece = text.substr(i, part);
        bool const is_base64 = piece.find(' ') == std::string_view::npos;
        fuzz::require(
            !is_base64 || !fuzz::holds(message, piece), "no message holds a part of a key");
    }
}

void check_content(record_content const& content)
{
    fuzz::require(content.age >= 0ms && content.life >= 0ms, "no time is negative");
    if (content.token)
    {
        auto const& token = content.token;
        fuzz::require(
            coauth::detail::is_printable_ascii(token.authorization()) && !token.value().empty() &&
                token.value().find(' ') == std::string_view::npos,
            "a token is visible ASCII");
        fuzz::require(
            token.token_type() == "Bearer" || token.token_type() == "DPoP",
            "a token has a known type");
        fuzz::require(token.lifetime().value_or(0s) >= 0s, "no lifetime is negative");
    }
    if (content.failure)
        fuzz::require(content.failure->back_off >= 0ms, "no back-off is negative");
}

void check_again(record_content const& content)
{
    auto const keys = key_ring::parse(ring);
    fuzz::require(keys.has_value(), "the keys are valid");
    auto const sealed = coauth::detail::seal_record(*keys, name, content, now());
    if (!sealed)
        return;
    auto const again = coauth::detail::open_record(*keys, name, *sealed, content.life, now());
    fuzz::require(again.has_value(), "what was sealed opens");
    fuzz::require(
        again->token.value() == content.token.value() &&
            again->token.scope() == content.token.scope() &&
            again->failure.has_value() == content.failure.has_value() &&
            again->unshareable == content.unshareable,
        "what was read does not change");
    fuzz::require(again->token.refresh_token().empty(), "no refresh token is sealed");
    fuzz::require(
        !coauth::detail::open_record(*keys, "coauth:{other}", *sealed, content.life, now()),
        "a record opens under its own name alone");
}

} // namespace

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    fuzz::input const input(data, size);
    if (input.has('k'))
    {
        check_keys(input.rest);
        return 0;
    }
    if (!input.has('p'))
    {
        auto const keys = key_ring::parse(ring);
        auto const opened = coauth::detail::open_record(*keys, name, input.rest, 1s, now());
        fuzz::require(!opened, "nothing opens that was not sealed");
        fuzz::check_text(opened.error().message());
        return 0;
    }
    auto const read = coauth::detail::read_record(input.rest, 1s, now());
    if (!read)
    {
        fuzz::check_text(read.error().message());
        return 0;
    }
    check_content(*read);
    check_again(*read);
    return 0;
}
