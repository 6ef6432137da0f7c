#include "testing/encoding.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>

namespace coauth::testing
{

namespace
{

int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

constexpr std::string_view base64_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char url_digit(std::uint32_t bits)
{
    char const c = base64_alphabet[bits & 63U];
    return c == '+' ? '-' : c == '/' ? '_' : c;
}

} // namespace

std::optional<std::string> decode_form_text(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i)
    {
        if (text[i] == '+')
        {
            out += ' ';
            continue;
        }
        if (text[i] != '%')
        {
            out += text[i];
            continue;
        }
        if (i + 2 >= text.size())
            return std::nullopt;
        int const high = hex_value(text[i + 1]);
        int const low = hex_value(text[i + 2]);
        if (high < 0 || low < 0)
            return std::nullopt;
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

std::optional<std::vector<std::pair<std::string, std::string>>> decode_form(std::string_view text)
{
    std::vector<std::pair<std::string, std::string>> members;
    while (!text.empty())
    {
        auto const end = text.find('&');
        auto const pair = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        auto const equals = pair.find('=');
        auto name = decode_form_text(pair.substr(0, equals));
        auto value = decode_form_text(
            equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1));
        if (!name || !value)
            return std::nullopt;
        members.emplace_back(std::move(*name), std::move(*value));
    }
    return members;
}

std::optional<std::string> decode_base64(std::string_view text)
{
    if (text.size() % 4 != 0)
        return std::nullopt;
    for (int i = 0; i < 2 && text.ends_with('='); ++i)
        text.remove_suffix(1);

    std::string out;
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (char const c : text)
    {
        auto const digit = base64_alphabet.find(c);
        if (digit == std::string_view::npos)
            return std::nullopt;
        bits = (bits << 6 | static_cast<std::uint32_t>(digit)) & 0xffffff;
        count += 6;
        if (count >= 8)
        {
            count -= 8;
            out += static_cast<char>(bits >> count & 0xff);
        }
    }
    return out;
}

std::optional<std::string> decode_base64url(std::string_view text)
{
    if (text.find_first_of("+/=") != std::string_view::npos || text.size() % 4 == 1)
        return std::nullopt;
    std::string ordinary(text);
    std::replace(ordinary.begin(), ordinary.end(), '-', '+');
    std::replace(ordinary.begin(), ordinary.end(), '_', '/');
    ordinary.resize((ordinary.size() + 3) / 4 * 4, '=');
    return decode_base64(ordinary);
}

std::string encode_base64url(std::string_view bytes)
{
    std::string out;
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (char const c : bytes)
    {
        bits = bits << 8 | static_cast<unsigned char>(c);
        for (count += 8; count >= 6; count -= 6)
            out += url_digit(bits >> (count - 6));
    }
    if (count > 0)
        out += url_digit(bits << (6 - count));
    return out;
}

std::string random_text(std::size_t size)
{
    std::vector<unsigned char> random(size);
    if (RAND_bytes(random.data(), static_cast<int>(size)) != 1)
        throw std::runtime_error("no random numbers");

    std::string out;
    for (unsigned char const byte : random)
        out += url_digit(byte);
    return out;
}

} // namespace coauth::testing
