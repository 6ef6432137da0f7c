#include "values/encoding.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace coauth::detail
{
namespace
{

bool is_unescaped_in_form(char c) noexcept
{
    bool const alphanumeric =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return alphanumeric || c == '-' || c == '.' || c == '_' || c == '*';
}

} // namespace

void append_base64(secret& out, std::string_view bytes)
{
    constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < bytes.size(); i += 3)
    {
        auto const group = bytes.substr(i, 3);
        std::uint32_t bits = 0;
        for (std::size_t j = 0; j < 3; ++j)
            bits = bits << 8 | (j < group.size() ? static_cast<unsigned char>(group[j]) : 0U);
        for (std::size_t j = 0; j < 4; ++j)
            out.append(j <= group.size() ? alphabet[bits >> (18 - 6 * j) & 63] : '=');
    }
}

void append_base64url(secret& out, std::string_view bytes)
{
    constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    out.reserve(out.size() + (bytes.size() * 4 + 2) / 3);
    unsigned pending = 0;
    unsigned bits = 0;
    for (char const c : bytes)
    {
        pending = (pending << 8U | static_cast<unsigned char>(c)) & 0xfffU;
        for (bits += 8; bits >= 6; bits -= 6)
            out.append(alphabet[pending >> (bits - 6) & 63U]);
    }
    if (bits != 0)
        out.append(alphabet[pending << (6 - bits) & 63U]);
}

std::string base64url(std::string_view bytes)
{
    secret text;
    append_base64url(text, bytes);
    return std::string(text.view());
}

secret decode_base64(std::string_view text)
{
    constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    constexpr std::string_view ignored = " \t\r\n=";
    secret bytes;
    bytes.reserve(text.size() / 4 * 3 + 3);
    std::uint32_t pending = 0;
    unsigned bits = 0;
    for (char const c : text)
    {
        if (ignored.find(c) != std::string_view::npos)
            continue;
        auto const digit = alphabet.find(c == '-' ? '+' : c == '_' ? '/' : c);
        if (digit == std::string_view::npos)
            return {};
        pending = (pending << 6U | static_cast<std::uint32_t>(digit)) & 0x3fffU;
        bits += 6;
        if (bits < 8)
            continue;
        bits -= 8;
        bytes.append(static_cast<char>(pending >> bits & 0xffU));
    }
    return bytes;
}

void append_form_encoded(secret& out, std::string_view text)
{
    constexpr std::string_view hex = "0123456789ABCDEF";
    for (char const c : text)
    {
        auto const byte = static_cast<unsigned char>(c);
        if (is_unescaped_in_form(c))
            out.append(c);
        else if (c == ' ')
            out.append('+');
        else
            out.append('%').append(hex[byte >> 4]).append(hex[byte & 15]);
    }
}

secret decode_form(std::string_view text)
{
    secret decoded;
    decoded.reserve(text.size());
    while (!text.empty())
    {
        unsigned byte = 0;
        auto const* const digits = text.data() + 1;
        bool const escape = text.size() > 2 && text.front() == '%' &&
                            std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2;
        if (escape)
            decoded.append(static_cast<char>(byte));
        else
            decoded.append(text.front() == '+' ? ' ' : text.front());
        text.remove_prefix(escape ? 3 : 1);
    }
    return decoded;
}

bool is_control(char c) noexcept
{
    auto const byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
}

bool has_control(std::string_view text) noexcept
{
    return std::any_of(text.begin(), text.end(), is_control);
}

bool is_printable_ascii(std::string_view text) noexcept
{
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

char lower(char c) noexcept
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept
{
    return std::equal(
        a.begin(), a.end(), b.begin(), b.end(),
        [](char x, char y) { return lower(x) == lower(y); });
}

secret basic_credentials(std::string_view id, std::string_view password, bool form_encode)
{
    secret pair;
    pair.reserve(3 * (id.size() + password.size()) + 1);
    if (form_encode)
    {
        append_form_encoded(pair, id);
        pair.append(':');
        append_form_encoded(pair, password);
    }
    else
        pair.append(id).append(':').append(password);
    secret encoded;
    encoded.reserve(pair.size() / 3 * 4 + 4);
    append_base64(encoded, pair.view());
    return encoded;
}

void append_json_string(secret& out, std::string_view text)
{
    constexpr std::string_view special = "\"\\\b\f\n\r\t";
    constexpr std::string_view letters = "\"\\bfnrt";
    constexpr std::string_view hex = "0123456789abcdef";
    // A long text is most of the result: one allocation, with room for the quotes and the brackets
    // of the enclosing values, in place of repeated doubling.
    constexpr std::size_t brackets = 64;
    if (text.size() > out.size())
        out.reserve(out.size() + text.size() + 2 + brackets);
    out.append('"');
    for (char const c : text)
    {
        auto const byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && c != '"' && c != '\\')
            out.append(c);
        else if (auto const found = special.find(c); found != std::string_view::npos)
            out.append('\\').append(letters[found]);
        else
            out.append("\\u00").append(hex[byte >> 4]).append(hex[byte & 15]);
    }
    out.append('"');
}

} // namespace coauth::detail
