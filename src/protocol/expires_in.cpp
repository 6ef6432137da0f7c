#include "protocol/expires_in.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace coauth::policy
{
namespace
{

using std::chrono::seconds;

lifetime apply_rule(expires_in_rule meaning, expires_in_rules const& rules)
{
    switch (meaning)
    {
    case expires_in_rule::unknown:
        return {true, std::nullopt};
    case expires_in_rule::single_use:
        return {true, seconds(0)};
    case expires_in_rule::assumed:
        return {true, rules.assumed};
    case expires_in_rule::malformed:
        break;
    }
    return {};
}

bool is_never(std::string_view text)
{
    constexpr std::string_view never = "never";
    return std::equal(
        text.begin(), text.end(), never.begin(), never.end(),
        [](char a, char b) { return (a | 0x20) == b; });
}

// JSON's number grammar begins so; `from_chars` alone would take "inf" and "nan".
bool looks_numeric(std::string_view text)
{
    if (text.starts_with('-'))
        text.remove_prefix(1);
    return !text.empty() && text.front() >= '0' && text.front() <= '9';
}

lifetime by_number(std::string_view text, expires_in_rules const& rules)
{
    if (!looks_numeric(text))
        return {};
    double value = 0;
    auto const [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
        return {};
    double const whole = std::floor(value);
    if (whole <= 0)
        return apply_rule(rules.zero, rules);
    constexpr double longest = 2147483647.0;
    return {true, seconds(static_cast<std::int64_t>(std::min(whole, longest)))};
}

} // namespace

lifetime interpret_expires_in(json_form form, std::string_view text, expires_in_rules const& rules)
{
    switch (form)
    {
    case json_form::absent:
        return apply_rule(rules.absent, rules);
    case json_form::null:
        return apply_rule(rules.never, rules);
    case json_form::string:
        return is_never(text) ? apply_rule(rules.never, rules) : by_number(text, rules);
    case json_form::number:
        return by_number(text, rules);
    case json_form::other:
        break;
    }
    return {};
}

} // namespace coauth::policy
