#include "crypto/key_text.hpp"

#include "values/encoding.hpp"

#include <algorithm>

namespace coauth::crypto
{
namespace
{

constexpr std::string_view begin_mark = "-----BEGIN ";
constexpr std::string_view end_mark = "-----END ";
constexpr std::string_view dashes = "-----";
constexpr std::string_view spaces = " \t\r\n\v\f";
constexpr std::size_t line_size = 64;

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
        char const c = text[i];
        plain.append(c == 'n' || c == 'r' || c == 't' ? '\n' : c);
    }
    return plain;
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
        if (!name.ends_with(':'))
            break;
        out.append(name).append(' ').append(next_word(rest)).append('\n');
        body = rest;
        any = true;
    }
    if (any)
        out.append('\n');
}

void append_base64_lines(secret& out, std::string_view body)
{
    std::size_t column = 0;
    for (char const c : body)
    {
        if (spaces.find(c) != std::string_view::npos)
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
        if (label.size() == text.size() || end == std::string_view::npos ||
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

} // namespace

secret normalize_key_text(std::string_view text)
{
    trim_quotes_and_spaces(text);
    // "-----BEGIN" in base64.
    if (text.starts_with("LS0tLS1CRUdJTi"))
    {
        auto const decoded = detail::decode_base64(text);
        return decoded.empty() ? secret(text) : normalize_key_text(decoded.view());
    }
    if (text.find(begin_mark) == std::string_view::npos)
        return secret(text);
    bool const escaped = text.find('\\') != std::string_view::npos;
    auto const plain = escaped ? unescape(text) : secret(text);
    auto blocks = rewrite_blocks(plain.view());
    return blocks.empty() ? plain : blocks;
}

} // namespace coauth::crypto
