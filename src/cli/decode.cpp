#include "cli/decode.hpp"

#include "cli/sanitize_for_terminal.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <optional>

namespace coauth::cli
{
namespace
{

namespace json = boost::json;

// RFC 4648 section 5, without padding.
std::optional<std::string> from_base64url(std::string_view text)
{
    constexpr std::string_view letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string bytes;
    unsigned buffer = 0;
    unsigned bits = 0;
    for (char const c : text)
    {
        auto const value = letters.find(c);
        if (value == std::string_view::npos)
            return std::nullopt;
        buffer = (buffer << 6U | static_cast<unsigned>(value)) & 0xffffU;
        bits += 6;
        if (bits < 8)
            continue;
        bits -= 8;
        bytes += static_cast<char>(buffer >> bits & 0xffU);
    }
    return bytes;
}

std::optional<json::object> read_part(std::string_view text)
{
    auto const bytes = from_base64url(text);
    if (!bytes)
        return std::nullopt;
    boost::system::error_code ec;
    auto parsed = json::parse(*bytes, ec);
    if (ec || !parsed.is_object())
        return std::nullopt;
    return std::move(parsed.get_object());
}

std::string describe(char const* title, json::object const& part, terminal const& output)
{
    std::string text = "\n" + output.bold(title) + '\n';
    for (auto const& [name, value] : part)
    {
        auto label = sanitize_for_terminal(std::string_view(name.data(), name.size()));
        label.resize(std::max<std::size_t>(label.size() + 2, 10), ' ');
        text += "  " + output.dim(label) + sanitize_for_terminal(json::serialize(value)) + '\n';
    }
    return text;
}

} // namespace

std::string decode_token(std::string_view token, terminal const& output)
{
    auto const first = token.find('.');
    auto const second = first == token.npos ? token.npos : token.find('.', first + 1);
    std::optional<json::object> header;
    std::optional<json::object> claims;
    if (second != token.npos)
    {
        header = read_part(token.substr(0, first));
        claims = read_part(token.substr(first + 1, second - first - 1));
    }
    if (!header || !claims)
        return "\nThe token is not a JSON Web Token: it cannot be decoded.\n";
    return describe("Header", *header, output) + describe("Claims", *claims, output) +
           "\nNot verified: this shows what the token contains, not whether it is genuine.\n";
}

} // namespace coauth::cli
