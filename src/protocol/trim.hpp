#ifndef COAUTH_SRC_PROTOCOL_TRIM_HPP
#define COAUTH_SRC_PROTOCOL_TRIM_HPP

#include <algorithm>
#include <string_view>

namespace coauth::protocol
{

// The text without white space at its ends.
inline std::string_view trim(std::string_view text) noexcept
{
    constexpr std::string_view spaces = " \t\r\n";
    text.remove_prefix(std::min(text.size(), text.find_first_not_of(spaces)));
    return text.substr(0, text.find_last_not_of(spaces) + 1);
}

} // namespace coauth::protocol

#endif
