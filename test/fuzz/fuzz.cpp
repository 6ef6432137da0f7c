#include "fuzz.hpp"

#include "protocol/json_document.hpp"
#include "values/encoding.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sstream>

namespace fuzz
{
namespace
{

using coauth::expires_in_rule;
using coauth::protocol::json_document;

// Text of ours holds shorter ones by chance.
constexpr std::size_t telling = 16;

std::string basic_value(bool form_encode)
{
    return std::string(
        coauth::protocol::basic_credentials(client_id, client_secret, form_encode).view());
}

std::string form_secret()
{
    coauth::secret made;
    coauth::protocol::append_form_encoded(made, client_secret);
    return std::string(made.view());
}

// None: there is no document, or no token in it.
std::string token_in(coauth::http_response const& from)
{
    auto const document = json_document::parse(from.body.view());
    auto const value = document ? document->find("access_token").as_string() : std::nullopt;
    return std::string(value.value_or(""));
}

expires_in_rule meaning(input const& from)
{
    if (from.has('m'))
        return expires_in_rule::malformed;
    if (from.has('o'))
        return expires_in_rule::single_use;
    return from.has('a') ? expires_in_rule::assumed : expires_in_rule::unknown;
}

bool is_json(std::string_view text)
{
    return json_document::parse("{\"x\":" + std::string(text) + "}").has_value();
}

} // namespace

void require(bool holds, char const* what)
{
    if (holds)
        return;
    std::fprintf(stderr, "broken: %s\n", what);
    std::abort();
}

bool holds(std::string_view text, std::string_view part)
{
    return text.find(part) != std::string_view::npos;
}

bool has_control(std::string_view text)
{
    for (std::size_t i = 0; i < text.size(); ++i)
    {
        auto const byte = static_cast<unsigned char>(text[i]);
        if (byte < 0x20 || byte == 0x7f)
            return true;
        auto const next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
        if (byte == 0xc2 && next >= 0x80 && next < 0xa0)
            return true;
    }
    return false;
}

input::input(std::uint8_t const* data, std::size_t size)
    : rest(reinterpret_cast<char const*>(data), size)
{
    options = take_line(rest);
}

unsigned input::number() const
{
    unsigned value = 0;
    for (char const c : options)
        if (c >= '0' && c <= '9')
            value = (value * 10 + static_cast<unsigned>(c - '0')) % 100'000;
    return value;
}

std::string_view take_line(std::string_view& text)
{
    auto const line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    return line;
}

coauth::client_config config(input const& from)
{
    coauth::client_config made;
    made.server.token_endpoint = "https://as.example.com/oauth/token";
    made.server.require_token_type = from.has('t');
    made.server.expires_in.absent = meaning(from);
    made.server.expires_in.never = meaning(from);
    made.server.expires_in.zero = meaning(from);
    made.authentication =
        coauth::client_authentication::client_secret_basic(client_id, client_secret);
    made.keep_headers = from.has('h');
    made.allow_http_loopback = from.has('l');
    return made;
}

coauth::http_response response(input const& from)
{
    return response(from.number() % 1000, from.rest);
}

coauth::http_response response(unsigned status, std::string_view fields_and_body)
{
    coauth::http_response made;
    made.status = status;
    for (auto line = take_line(fields_and_body); !line.empty(); line = take_line(fields_and_body))
    {
        auto const colon = std::min(line.find(": "), line.size());
        made.headers.add(
            std::string(line.substr(0, colon)),
            std::string(line.substr(std::min(line.size(), colon + 2))));
    }
    made.body = coauth::secret(fields_and_body);
    return made;
}

coauth::protocol::response_context times()
{
    using std::chrono::seconds;
    std::chrono::system_clock::time_point const sent(seconds(1'795'392'000));
    return {sent, std::chrono::steady_clock::time_point(seconds(1000)), sent + seconds(2)};
}

void check_text(std::string_view text, std::string_view allowed_controls)
{
    static std::string const encoded[] = {
        client_secret, form_secret(), basic_value(false), basic_value(true)};
    for (auto const& secret : encoded)
        require(!holds(text, secret), "no text holds the client's secret");
    std::string plain(text);
    std::erase_if(plain, [&](char c) { return holds(allowed_controls, {&c, 1}); });
    require(!has_control(plain), "no text holds a control character");
}

void check_error(coauth::error const& why, coauth::http_response const& from)
{
    auto const message = why.message();
    check_text(message);
    require(message.size() <= 4096, "a message has at most 4 KiB");
    auto const token = token_in(from);
    for (auto const& part : {why.description(), why.uri(), why.oauth_error(), why.context()})
    {
        check_text(part);
        require(part.size() <= 2048, "no part of an error is long");
        require(
            token.size() < telling || !holds(part, token), "a token within an error is not shown");
    }
    require(why.description().size() <= 1024, "the server's text is cut");
    require(why.value() != coauth::errc(), "an error has a code");
    auto const now = times().received;
    require(
        !why.retry_at() ||
            (*why.retry_at() >= now && *why.retry_at() <= now + std::chrono::hours(24)),
        "to be tried again within a day, and not before now");
}

void check_token(coauth::access_token const& token, coauth::http_response const& from)
{
    auto const value = token.value();
    require(!value.empty() && value.size() <= 65536, "a token is neither empty nor huge");
    require(
        std::all_of(value.begin(), value.end(), [](char c) { return c > 0x20 && c < 0x7f; }),
        "a token consists of visible ASCII characters");
    require(value == token_in(from), "a token is the one of the document");
    require(from.status >= 200 && from.status < 300, "a token comes with success alone");
    require(token.token_type() == "Bearer", "a token is of the type that was asked for");
    require(
        token.authorization() == "Bearer " + std::string(value),
        "a token goes into a field as it is");
    require(!has_control(token.scope()), "a scope holds no control character");
    auto const life = token.lifetime();
    require(
        !life || (life->count() >= 0 && life->count() <= 2147483647), "a life is never negative");
    require(
        !token.expires_at() || *token.expires_at() >= token.requested_at(),
        "a token does not end before it was asked for");
    for (auto const& member : token.members())
        require(is_json(member.json.view()), "a member is JSON again");
    std::ostringstream shown;
    shown << token;
    require(
        value.size() < telling || holds(token.scope(), value) || !holds(shown.str(), value),
        "a token is not printed");
}

} // namespace fuzz
