#include "cli/sanitize_for_terminal.hpp"

#include <cstddef>
#include <cstdint>

namespace coauth::cli
{
namespace
{

struct code_point
{
    std::uint32_t value = 0;
    // Number of bytes. 0: malformed.
    std::size_t size = 0;
};

// The meaning of the first byte of a UTF-8 sequence: number of further bytes, value bits, and the
// smallest value that needs this length.
struct lead_byte
{
    std::size_t tail;
    std::uint32_t bits;
    std::uint32_t smallest;
};

lead_byte read_lead(std::uint32_t lead) noexcept
{
    if (lead < 0x80)
        return {0, lead, 0};
    if (lead >= 0xC0 && lead < 0xE0)
        return {1, lead & 0x1F, 0x80};
    if (lead >= 0xE0 && lead < 0xF0)
        return {2, lead & 0x0F, 0x800};
    if (lead >= 0xF0 && lead < 0xF8)
        return {3, lead & 0x07, 0x10000};
    return {0, 0, 1};
}

code_point decode(std::string_view text) noexcept
{
    auto const [tail, bits, smallest] = read_lead(static_cast<unsigned char>(text.front()));
    if (text.size() <= tail)
        return {};
    std::uint32_t value = bits;
    for (std::size_t i = 1; i <= tail; ++i)
    {
        std::uint32_t const next = static_cast<unsigned char>(text[i]);
        if ((next & 0xC0) != 0x80)
            return {};
        value = value << 6 | (next & 0x3F);
    }
    bool const surrogate = value >= 0xD800 && value < 0xE000;
    if (value < smallest || value > 0x10FFFF || surrogate)
        return {};
    return {value, tail + 1};
}

bool is_printable(std::uint32_t value) noexcept
{
    bool const control = value < 0x20 || (value >= 0x7F && value < 0xA0);
    bool const separator = value == 0x2028 || value == 0x2029;
    bool const direction = value == 0x200E || value == 0x200F ||
                           (value >= 0x202A && value <= 0x202E) ||
                           (value >= 0x2066 && value <= 0x2069);
    return !control && !separator && !direction;
}

} // namespace

std::string sanitize_for_terminal(std::string_view text)
{
    std::string result;
    result.reserve(text.size());
    while (!text.empty())
    {
        auto const [value, size] = decode(text);
        if (size != 0 && is_printable(value))
            result.append(text.substr(0, size));
        else
            result.push_back('?');
        text.remove_prefix(size != 0 ? size : 1);
    }
    return result;
}

std::string in_quotes(std::string_view text)
{
    return "'" + sanitize_for_terminal(text) + "'";
}

} // namespace coauth::cli
