#include "protocol/decoded_text.hpp"

#include "values/encoding.hpp"

#include <charconv>
#include <optional>
#include <utility>

namespace coauth::protocol
{
namespace
{

// One decoded character and the size of its encoding.
struct decoded_char
{
    unsigned code;
    std::size_t size;
};

std::optional<unsigned> parse_digits(std::string_view digits, int base)
{
    unsigned value = 0;
    auto const* const end = digits.data() + digits.size();
    auto const [stop, failure] = std::from_chars(digits.data(), end, value, base);
    if (failure != std::errc() || stop != end || digits.empty())
        return std::nullopt;
    return value;
}

std::optional<decoded_char> decode_percent(std::string_view text)
{
    auto const code =
        text.size() > 2 && text.front() == '%' ? parse_digits(text.substr(1, 2), 16) : std::nullopt;
    return code ? std::optional(decoded_char{*code, 3}) : std::nullopt;
}

std::optional<decoded_char> decode_json(std::string_view text)
{
    constexpr std::string_view letters = "\"\\/bfnrt";
    constexpr std::string_view characters = "\"\\/\b\f\n\r\t";
    if (text.size() < 2 || text.front() != '\\')
        return std::nullopt;
    if (auto const found = letters.find(text[1]); found != std::string_view::npos)
        return decoded_char{static_cast<unsigned char>(characters[found]), 2};
    auto const code =
        text[1] == 'u' && text.size() > 5 ? parse_digits(text.substr(2, 4), 16) : std::nullopt;
    return code ? std::optional(decoded_char{*code, 6}) : std::nullopt;
}

std::optional<decoded_char> decode_html(std::string_view text)
{
    constexpr std::size_t max_reference = 10;
    constexpr std::array<std::pair<std::string_view, char>, 5> names = {
        {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}}};
    if (text.empty() || text.front() != '&')
        return std::nullopt;
    for (auto const& [name, character] : names)
        if (text.starts_with(name))
            return decoded_char{static_cast<unsigned char>(character), name.size()};
    auto const end = text.substr(0, max_reference).find(';');
    if (!text.starts_with("&#") || end == std::string_view::npos)
        return std::nullopt;
    bool const hex = detail::lower(text[2]) == 'x';
    std::size_t const begin = hex ? 3 : 2;
    auto const code = parse_digits(text.substr(begin, end - begin), hex ? 16 : 10);
    return code ? std::optional(decoded_char{*code, end + 1}) : std::nullopt;
}

std::optional<decoded_char> decode(std::string_view text, text_encoding encoding)
{
    switch (encoding)
    {
    case text_encoding::form:
        if (text.starts_with('+'))
            return decoded_char{' ', 1};
        return decode_percent(text);
    case text_encoding::percent:
        return decode_percent(text);
    case text_encoding::json:
        return decode_json(text);
    case text_encoding::html:
        return decode_html(text);
    }
    return std::nullopt;
}

// Bytes as they are, larger code points as UTF-8.
std::size_t append_code(secret& out, unsigned code, bool is_byte)
{
    auto const byte = [](unsigned value) { return static_cast<char>(value & 0xff); };
    if (code < 0x80 || is_byte)
    {
        out.append(byte(code));
        return 1;
    }
    if (code < 0x800)
    {
        out.append(byte(0xc0 | code >> 6)).append(byte(0x80 | (code & 0x3f)));
        return 2;
    }
    out.append(byte(0xe0 | code >> 12))
        .append(byte(0x80 | (code >> 6 & 0x3f)))
        .append(byte(0x80 | (code & 0x3f)));
    return 3;
}

int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : 63;
}

} // namespace

decoded_text::decoded_text(std::string_view encoded, text_encoding encoding)
{
    bool const is_byte = encoding == text_encoding::percent || encoding == text_encoding::form;
    text_.reserve(encoded.size());
    positions_.reserve(encoded.size() + 1);
    for (std::size_t i = 0; i < encoded.size();)
    {
        auto const decoded = decode(encoded.substr(i), encoding);
        std::size_t size = 1;
        if (decoded)
            size = append_code(text_, decoded->code, is_byte);
        else
            text_.append(encoded[i]);
        positions_.insert(positions_.end(), size, static_cast<std::uint32_t>(i));
        i += decoded ? decoded->size : 1;
    }
    positions_.push_back(static_cast<std::uint32_t>(encoded.size()));
}

secret decode_base64_part(std::string_view text)
{
    secret out;
    out.reserve(text.size());
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (char const c : text)
    {
        if (c == '=')
            continue;
        bits = bits << 6 | static_cast<std::uint32_t>(base64_value(c));
        count += 6;
        if (count < 8)
            continue;
        count -= 8;
        out.append(static_cast<char>(bits >> count & 0xff));
    }
    return out;
}

} // namespace coauth::protocol
