#include "fuzz.hpp"

#include "values/encoding.hpp"
#include "values/json_document.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sstream>

namespace fuzz
{
namespace
{

using coauth::expires_in_rule;
using coauth::detail::json_document;

// The library's own texts may contain shorter tokens.
constexpr std::size_t min_unique = 16;

std::string basic_value(bool form_encode)
{
    return std::string(
        coauth::detail::basic_credentials(client_id, client_secret, form_encode).view());
}

std::string form_secret()
{
    coauth::secret form;
    coauth::detail::append_form_encoded(form, client_secret);
    return std::string(form.view());
}

// Empty: there is no document, or no token in it.
std::string token_in(coauth::http_response const& response)
{
    auto const document = json_document::parse(response.body.view());
    auto const value = document ? document->find("access_token").as_string() : std::nullopt;
    return std::string(value.value_or(""));
}

expires_in_rule selected_rule(input const& from)
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

void require(bool condition, char const* message)
{
    if (condition)
        return;
    std::fprintf(stderr, "broken: %s\n", message);
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
    coauth::client_config configuration;
    configuration.server.token_endpoint = "https://as.example.com/oauth/token";
    configuration.server.require_token_type = from.has('t');
    configuration.server.expires_in.absent = selected_rule(from);
    configuration.server.expires_in.never = selected_rule(from);
    configuration.server.expires_in.zero = selected_rule(from);
    configuration.authentication =
        coauth::client_authentication::client_secret_basic(client_id, client_secret);
    configuration.keep_headers = from.has('h');
    configuration.allow_http_loopback = from.has('l');
    return configuration;
}

coauth::http_response response(input const& from)
{
    return response(from.number() % 1000, from.rest);
}

coauth::http_response response(unsigned status, std::string_view fields_and_body)
{
    coauth::http_response result;
    result.status = status;
    for (auto line = take_line(fields_and_body); !line.empty(); line = take_line(fields_and_body))
    {
        auto const colon = std::min(line.find(": "), line.size());
        result.headers.add(
            std::string(line.substr(0, colon)),
            std::string(line.substr(std::min(line.size(), colon + 2))));
    }
    result.body = coauth::secret(fields_and_body);
    return result;
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
        require(!holds(text, secret), "no text contains the client secret");
    std::string plain(text);
    std::erase_if(plain, [&](char c) { return holds(allowed_controls, {&c, 1}); });
    require(!has_control(plain), "no text contains a control character");
}

void check_error(coauth::error const& failure, coauth::http_response const& response)
{
    auto const message = failure.message();
    check_text(message);
    require(message.size() <= 4096, "a message has at most 4 KiB");
    auto const token = token_in(response);
    for (auto const& part :
         {failure.description(), failure.uri(), failure.oauth_error(), failure.context()})
    {
        check_text(part);
        require(part.size() <= 2048, "no part of an error is long");
        require(
            token.size() < min_unique || !holds(part, token),
            "a token in an error response is not shown");
    }
    for (auto const& member : failure.members())
    {
        check_text(member.json, " ");
        require(is_json(member.json), "a further member is JSON");
        require(member.json.size() <= 32 * 1024, "a further member is short");
        require(
            token.size() < min_unique || !holds(member.json, token),
            "a token in an error response is not in a further member");
    }
    require(failure.members().size() <= 32, "there are few further members");
    require(failure.description().size() <= 1024, "the server's text is cut");
    require(failure.value() != coauth::errc(), "an error has a code");
    auto const now = times().received;
    require(
        !failure.retry_at() ||
            (*failure.retry_at() >= now && *failure.retry_at() <= now + std::chrono::hours(24)),
        "retry_at is at most a day ahead, and not in the past");
}

void check_token(coauth::access_token const& token, coauth::http_response const& response)
{
    auto const value = token.value();
    require(!value.empty() && value.size() <= 65536, "a token is neither empty nor huge");
    require(
        std::all_of(value.begin(), value.end(), [](char c) { return c > 0x20 && c < 0x7f; }),
        "a token consists of visible ASCII characters");
    require(value == token_in(response), "the token is the member access_token");
    require(
        response.status >= 200 && response.status < 300,
        "a token comes only with a success status");
    require(token.token_type() == "Bearer", "a token has the expected type");
    require(
        token.authorization() == "Bearer " + std::string(value),
        "the Authorization field contains the token unchanged");
    require(!has_control(token.scope()), "a scope contains no control character");
    auto const life = token.lifetime();
    require(
        !life || (life->count() >= 0 && life->count() <= 2147483647),
        "a lifetime is never negative");
    require(
        !token.expires_at() || *token.expires_at() >= token.requested_at(),
        "a token does not expire before it was requested");
    for (auto const& member : token.members())
        require(is_json(member.json.view()), "a member is valid JSON");
    std::ostringstream shown;
    shown << token;
    require(
        value.size() < min_unique || holds(token.scope(), value) || !holds(shown.str(), value),
        "a token is not printed");
}

} // namespace fuzz
