#include "crypto/key_text.hpp"

#include "values/encoding.hpp"

#include <algorithm>
#include <charconv>

namespace coauth::crypto
{
namespace
{

// The tag of a SEQUENCE.
constexpr std::string_view der_begin = "\x30";
constexpr std::string_view begin_mark = "-----BEGIN ";
constexpr std::string_view end_mark = "-----END ";
constexpr std::string_view dashes = "-----";
constexpr std::string_view spaces = " \t\r\n\v\f";
constexpr std::size_t line_size = 64;
constexpr int max_layers = 4;

void trim(std::string_view& text, std::string_view characters)
{
    text.remove_prefix(std::min(text.find_first_not_of(characters), text.size()));
    text = text.substr(0, text.find_last_not_of(characters) + 1);
}

void trim_quotes_and_spaces(std::string_view& text)
{
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (text.starts_with(byte_order_mark))
        text.remove_prefix(byte_order_mark.size());
    trim(text, spaces);
    for (char const quote : {'"', '\'', '`'})
        if (text.size() > 1 && text.front() == quote && text.back() == quote)
        {
            text = text.substr(1, text.size() - 2);
            trim(text, spaces);
        }
}

// Escapes of JSON, of shells and of property files. A backslash is no character of PEM.
secret unescape(std::string_view text)
{
    secret plain;
    plain.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i)
    {
        if (text[i] != '\\')
        {
            plain.append(text[i]);
            continue;
        }
        // Text that was escaped more than once has several backslashes.
        while (i < text.size() && text[i] == '\\')
            ++i;
        if (i == text.size())
            break;
        char c = text[i];
        unsigned code = 0;
        auto const* const digits = text.data() + i + 1;
        if (c == 'u' && text.size() - i > 4 &&
            std::from_chars(digits, digits + 4, code, 16).ptr == digits + 4)
        {
            c = static_cast<char>(code);
            i += 4;
        }
        plain.append(c == 'n' || c == 'r' || c == 't' ? '\n' : c);
    }
    return plain;
}

// Percent-encoding (RFC 3986), or that of a form, where `+` is a space.
secret decode_percent(std::string_view text)
{
    bool const form = text.find("BEGIN+") != std::string_view::npos;
    secret encoded;
    for (char const c : text)
        if (c == '+' && !form)
            encoded.append("%2B");
        else
            encoded.append(c);
    return detail::decode_form(encoded.view());
}

// ASCII text in UTF-16 of either byte order, as Windows writes it.
bool is_utf16(std::string_view text)
{
    return text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF") ||
           (text.size() > 1 && (text[0] == '\0') != (text[1] == '\0'));
}

secret from_utf16(std::string_view text)
{
    secret ascii;
    for (char const c : text)
        if (c > '\0' && c <= '~')
            ascii.append(c);
    return ascii;
}

// DER, PEM or JSON in another layer of base64. Empty: it is none.
secret decode_layer(std::string_view text)
{
    constexpr std::string_view pem_in_base64 = "LS0tLS1CRUdJTi";
    // A hyphen is a character of base64url, too.
    if (text.find(dashes) != std::string_view::npos)
        return {};
    auto decoded = detail::decode_base64(text);
    for (std::string_view const begin :
         {der_begin, begin_mark, std::string_view("{"), pem_in_base64})
        if (decoded.view().starts_with(begin))
            return decoded;
    return {};
}

// Removes the next word.
std::string_view next_word(std::string_view& text)
{
    text.remove_prefix(std::min(text.find_first_not_of(spaces), text.size()));
    auto const word = text.substr(0, text.find_first_of(spaces));
    text.remove_prefix(word.size());
    return word;
}

// The header fields of traditional encryption (RFC 1421), such as "DEK-Info: AES-256-CBC,..".
void append_fields(secret& out, std::string_view& body)
{
    bool any = false;
    for (;;)
    {
        auto rest = body;
        auto const name = next_word(rest);
        auto const value = next_word(rest);
        if (!name.ends_with(':') || value.empty())
            break;
        out.append(name).append(' ').append(value).append('\n');
        body = rest;
        any = true;
    }
    if (any)
        out.append('\n');
}

bool is_base64(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/' || c == '=';
}

// Without spaces, quotes, comment marks and what else got between. A key that lost more than that
// cannot be read: its structure does not fit.
void append_base64_lines(secret& out, std::string_view body)
{
    std::size_t column = 0;
    for (char const c : body)
    {
        if (!is_base64(c))
            continue;
        if (column == line_size)
        {
            out.append('\n');
            column = 0;
        }
        out.append(c);
        ++column;
    }
    if (column != 0)
        out.append('\n');
}

// As in "EC PRIVATE KEY".
bool is_label(std::string_view text)
{
    return text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ") == text.npos;
}

// Rewrites each complete block; empty: there is none.
secret rewrite_blocks(std::string_view text)
{
    secret out;
    out.reserve(text.size() + 128);
    for (auto begin = text.find(begin_mark); begin != std::string_view::npos;
         begin = text.find(begin_mark))
    {
        text.remove_prefix(begin + begin_mark.size());
        auto const label = text.substr(0, text.find(dashes));
        auto const end = text.find(end_mark);
        if (!is_label(label) || label.size() == text.size() || end == std::string_view::npos ||
            end < label.size() + dashes.size() ||
            !text.substr(end + end_mark.size()).starts_with(label))
            continue;
        auto body = text.substr(label.size() + dashes.size(), end - label.size() - dashes.size());
        text.remove_prefix(end + end_mark.size() + label.size());
        if (!text.starts_with(dashes))
            continue;
        out.append(begin_mark).append(label).append(dashes).append('\n');
        append_fields(out, body);
        append_base64_lines(out, body);
        out.append(end_mark).append(label).append(dashes).append('\n');
    }
    return out;
}

// `layers` is how many encodings around the text may be removed.
secret normalize(std::string_view text, int layers)
{
    if (is_utf16(text))
        return normalize(from_utf16(text).view(), layers);
    if (text.starts_with(der_begin) && text.find(begin_mark) == std::string_view::npos)
        return secret(text);
    trim_quotes_and_spaces(text);
    bool const has_mark = text.find("BEGIN") != std::string_view::npos;
    if (layers > 0 && has_mark && text.find('%') != std::string_view::npos)
        if (auto const decoded = decode_percent(text); decoded.view() != text)
            return normalize(decoded.view(), layers - 1);
    if (text.find(begin_mark) == std::string_view::npos)
    {
        // JSON within a string of JSON.
        if (layers > 0 && text.starts_with("{\\\""))
            return normalize(unescape(text).view(), layers - 1);
        auto const decoded = layers > 0 ? decode_layer(text) : secret();
        return decoded.empty() ? secret(text) : normalize(decoded.view(), layers - 1);
    }
    bool const escaped = text.find('\\') != std::string_view::npos;
    auto const plain = escaped ? unescape(text) : secret(text);
    auto blocks = rewrite_blocks(plain.view());
    if (!blocks.empty())
        return blocks;
    auto rest = plain.view();
    trim(rest, spaces);
    return secret(rest);
}

} // namespace

secret normalize_key_text(std::string_view text)
{
    return normalize(text, max_layers);
}

secret decode_first_block(std::string_view pem)
{
    auto const begin = pem.find(begin_mark);
    auto const end = pem.find(end_mark);
    if (begin == std::string_view::npos || end == std::string_view::npos || end < begin)
        return {};
    auto const block = pem.substr(begin, end - begin);
    return detail::decode_base64(block.substr(std::min(block.find('\n'), block.size())));
}

} // namespace coauth::crypto
