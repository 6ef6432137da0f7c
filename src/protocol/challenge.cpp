#include "protocol/challenge.hpp"

#include <algorithm>

namespace coauth::protocol
{
namespace
{

bool same_word(std::string_view a, std::string_view b) noexcept
{
    auto const lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::equal(
        a.begin(), a.end(), b.begin(), b.end(),
        [&](char x, char y) { return lower(x) == lower(y); });
}

} // namespace

std::optional<std::string_view> www_authenticate_errors::next() noexcept
{
    for (;;)
    {
        auto const word = name();
        if (word.empty() && !skip())
            return std::nullopt;
        if (word.empty() || !has_value())
            continue;
        auto const given = value();
        if (same_word(word, "error"))
            return given;
    }
}

// The next name, of a scheme or of a parameter; empty: the end, or what is no name.
std::string_view www_authenticate_errors::name() noexcept
{
    rest_.remove_prefix(std::min(rest_.size(), rest_.find_first_not_of(" \t,")));
    return take(rest_.find_first_of(" \t,=\""));
}

// Whether a value follows the name.
bool www_authenticate_errors::has_value() noexcept
{
    auto const next = rest_.find_first_not_of(" \t");
    if (next == std::string_view::npos || rest_[next] != '=')
        return false;
    rest_.remove_prefix(next + 1);
    rest_.remove_prefix(std::min(rest_.size(), rest_.find_first_not_of(" \t")));
    return true;
}

std::string_view www_authenticate_errors::value() noexcept
{
    if (!rest_.starts_with('"'))
        return take(rest_.find_first_of(" \t,"));
    std::size_t end = 1;
    while (end < rest_.size() && rest_[end] != '"')
        end += rest_[end] == '\\' ? 2 : 1;
    auto const quoted = take(std::min(rest_.size(), end)).substr(1);
    (void)take(1);
    return quoted;
}

// What is no name: a stray quote or sign.
bool www_authenticate_errors::skip() noexcept
{
    return !take(1).empty();
}

std::string_view www_authenticate_errors::take(std::size_t size) noexcept
{
    auto const taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
}

} // namespace coauth::protocol
