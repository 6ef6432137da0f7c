#ifndef COAUTH_TEST_FIELD_CHANGED_TEXT_HPP
#define COAUTH_TEST_FIELD_CHANGED_TEXT_HPP

// What environments, editors and programs make of a text on its way.

#include "test_keys.hpp"

#include <cctype>
#include <string>
#include <string_view>

namespace test
{

inline std::string replaced(std::string text, std::string_view from, std::string_view to)
{
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
        text.replace(at, from.size(), to);
    return text;
}

inline std::string utf16(std::string_view ascii, bool big_endian)
{
    std::string text = big_endian ? "\xFE\xFF" : "\xFF\xFE";
    for (char const c : ascii)
        text.append(1, big_endian ? '\0' : c).append(1, big_endian ? c : '\0');
    return text;
}

inline std::string percent_encoded(std::string_view text, bool form)
{
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string encoded;
    for (char const c : text)
        if (c == ' ' && form)
            encoded += '+';
        else if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-')
            encoded += c;
        else
            encoded.append(1, '%')
                .append(1, digits[static_cast<unsigned char>(c) >> 4])
                .append(1, digits[static_cast<unsigned char>(c) & 15]);
    return encoded;
}

inline std::string in_base64(std::string const& text)
{
    return replaced(replaced(base64url(text), "-", "+"), "_", "/");
}

// The base64 of the first block alone, in its lines.
inline std::string without_markers(std::string const& pem)
{
    auto const begin = pem.find('\n') + 1;
    return pem.substr(begin, pem.find("-----END") - begin);
}

} // namespace test

#endif
