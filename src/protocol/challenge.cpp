#include "protocol/challenge.hpp"

#include "values/encoding.hpp"

#include <algorithm>

namespace coauth::protocol
{
std::optional<std::string_view> challenge_parameters::next() noexcept
{
    for (;;)
    {
        auto const parameter = name();
        if (parameter.empty() && !skip())
            return std::nullopt;
        if (parameter.empty() || !has_value())
            continue;
        auto const text = value();
        if (detail::equal_ignoring_case(parameter, name_))
            return text;
    }
}

// The next name of a scheme or a parameter. Empty: the end, or a character that begins no name.
std::string_view challenge_parameters::name() noexcept
{
    rest_.remove_prefix(std::min(rest_.size(), rest_.find_first_not_of(" \t,")));
    return take(rest_.find_first_of(" \t,=\""));
}

// True if a value follows the name. Skips the equals sign.
bool challenge_parameters::has_value() noexcept
{
    auto const next = rest_.find_first_not_of(" \t");
    if (next == std::string_view::npos || rest_[next] != '=')
        return false;
    rest_.remove_prefix(next + 1);
    rest_.remove_prefix(std::min(rest_.size(), rest_.find_first_not_of(" \t")));
    return true;
}

std::string_view challenge_parameters::value() noexcept
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

// Skips a stray quote or equals sign.
bool challenge_parameters::skip() noexcept
{
    return !take(1).empty();
}

std::string_view challenge_parameters::take(std::size_t size) noexcept
{
    auto const prefix = rest_.substr(0, size);
    rest_.remove_prefix(prefix.size());
    return prefix;
}

} // namespace coauth::protocol
