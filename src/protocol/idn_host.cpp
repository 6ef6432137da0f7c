#include "protocol/idn_host.hpp"

#include "values/encoding.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace coauth::protocol
{
namespace
{

using code_points = std::vector<std::uint32_t>;

// In these blocks of Latin, capitals and small letters alternate. 0: no such block.
std::uint32_t alternating_lower(std::uint32_t code)
{
    bool const even = (code >= 0x100 && code <= 0x137 && code != 0x130 && code != 0x131) ||
                      (code >= 0x14a && code <= 0x177) || (code >= 0x1e00 && code <= 0x1e95) ||
                      (code >= 0x1ea0 && code <= 0x1eff);
    bool const odd = (code >= 0x139 && code <= 0x148) || (code >= 0x179 && code <= 0x17e);
    if (even)
        return code | 1;
    return odd ? code + code % 2 : 0;
}

// Small letters of the scripts with a simple rule: Latin, Greek, Cyrillic and Armenian.
std::uint32_t to_lower(std::uint32_t code)
{
    if (auto const lower = alternating_lower(code))
        return lower;
    if (code == 0x178)
        return 0xff;
    if (code >= 0x531 && code <= 0x556)
        return code + 0x30;
    // With an accent.
    if (code == 0x386 || (code >= 0x388 && code <= 0x38a))
        return code + (code == 0x386 ? 0x26 : 0x25);
    if (code == 0x38c)
        return 0x3cc;
    if (code == 0x38e || code == 0x38f)
        return code + 0x3f;
    if (code < 0x80)
        return static_cast<unsigned char>(detail::lower(static_cast<char>(code)));
    bool const latin = code >= 0xc0 && code <= 0xde && code != 0xd7;
    bool const greek = code >= 0x391 && code <= 0x3a9;
    bool const cyrillic = code >= 0x410 && code <= 0x42f;
    if (latin || greek || cyrillic)
        return code + 0x20;
    return code >= 0x400 && code <= 0x40f ? code + 0x50 : code;
}

std::optional<code_points> decode_utf8(std::string_view text)
{
    code_points decoded;
    for (std::size_t i = 0; i < text.size();)
    {
        auto const first = static_cast<unsigned char>(text[i]);
        std::size_t const size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        if ((first >= 0x80 && first < 0xc2) || first > 0xf4 || i + size > text.size())
            return std::nullopt;
        std::uint32_t code = size == 1 ? first : first & (0x7fU >> size);
        for (std::size_t j = 1; j < size; ++j)
        {
            auto const next = static_cast<unsigned char>(text[i + j]);
            if ((next & 0xc0U) != 0x80)
                return std::nullopt;
            code = code << 6 | (next & 0x3fU);
        }
        decoded.push_back(to_lower(code));
        i += size;
    }
    return decoded;
}

// Combining marks need normalization, other letters a table of capitals; controls, spaces and
// symbols are not allowed.
bool is_simple(code_points const& label)
{
    return std::all_of(
        label.begin(), label.end(),
        [](std::uint32_t code)
        {
            bool const ascii =
                (code >= 'a' && code <= 'z') || (code >= '0' && code <= '9') || code == '-';
            bool const mark = code >= 0x300 && code <= 0x36f;
            bool const unknown_case = code == 0x130 || code == 0x17f ||
                                      (code >= 0x180 && code < 0x250) ||
                                      (code >= 0x1f00 && code < 0x2000);
            bool const symbol =
                code < 0xdf || unknown_case || (code >= 0x2000 && code < 0x2c00) || code >= 0xe000;
            return code < 0x80 ? ascii : !mark && !symbol;
        });
}

// RFC 3492 section 6.1.
std::uint32_t adapt(std::uint32_t delta, std::uint32_t count, bool first)
{
    delta = first ? delta / 700 : delta / 2;
    delta += delta / count;
    std::uint32_t k = 0;
    for (; delta > 455; k += 36)
        delta /= 35;
    return k + 36 * delta / (delta + 38);
}

void append_integer(std::string& out, std::uint32_t value, std::uint32_t bias)
{
    auto const digit = [](std::uint32_t d)
    { return static_cast<char>(d < 26 ? 'a' + d : '0' + d - 26); };
    for (std::uint32_t k = 36;; k += 36)
    {
        std::uint32_t const threshold = k <= bias ? 1 : std::min<std::uint32_t>(k - bias, 26);
        if (value < threshold)
            break;
        out += digit(threshold + (value - threshold) % (36 - threshold));
        value = (value - threshold) / (36 - threshold);
    }
    out += digit(value);
}

// RFC 3492 section 6.3, for labels of at most 63 characters.
std::string punycode(code_points const& label)
{
    std::string out;
    for (auto const code : label)
        if (code < 0x80)
            out += static_cast<char>(code);
    auto const basic = static_cast<std::uint32_t>(out.size());
    auto handled = basic;
    if (basic != 0)
        out += '-';
    std::uint32_t n = 0x80;
    std::uint32_t delta = 0;
    std::uint32_t bias = 72;
    while (handled < label.size())
    {
        std::uint32_t next = UINT32_MAX;
        for (auto const code : label)
            if (code >= n)
                next = std::min(next, code);
        delta += (next - n) * (handled + 1);
        n = next;
        for (auto const code : label)
        {
            delta += code < n ? 1 : 0;
            if (code != n)
                continue;
            append_integer(out, delta, bias);
            bias = adapt(delta, handled + 1, handled == basic);
            delta = 0;
            ++handled;
        }
        ++delta;
        ++n;
    }
    return out;
}

std::optional<std::string> ascii_label(std::string_view label)
{
    constexpr std::size_t max_label = 63;
    if (detail::is_printable_ascii(label))
        return std::string(label);
    auto const decoded = decode_utf8(label);
    if (!decoded || decoded->size() > max_label || !is_simple(*decoded))
        return std::nullopt;
    return "xn--" + punycode(*decoded);
}

} // namespace

std::string ascii_host(std::string_view typed)
{
    // The full stop of Chinese and Japanese.
    constexpr std::string_view ideographic_stop = "\xe3\x80\x82";
    std::string url(typed);
    for (auto at = url.find(ideographic_stop); at != url.npos; at = url.find(ideographic_stop))
        url.replace(at, ideographic_stop.size(), ".");
    auto const scheme = url.find("://");
    if (scheme == std::string_view::npos)
        return {};
    auto host = std::string_view(url).substr(scheme + 3);
    host = host.substr(0, host.find_first_of("/?#"));
    host.remove_prefix(host.rfind('@') + 1);
    host = host.substr(0, host.rfind(':'));
    if (detail::is_printable_ascii(host))
        return {};
    std::string ascii;
    for (;;)
    {
        auto const end = std::min(host.find('.'), host.size());
        auto const label = ascii_label(host.substr(0, end));
        if (!label)
            return {};
        ascii += *label;
        if (end == host.size())
            return ascii.find(' ') != std::string::npos ? std::string() : ascii;
        ascii += '.';
        host.remove_prefix(end + 1);
    }
}

} // namespace coauth::protocol
