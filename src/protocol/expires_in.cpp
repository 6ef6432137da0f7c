#include "protocol/expires_in.hpp"

#include "protocol/trim.hpp"
#include "values/encoding.hpp"
#include "values/parse_double.hpp"

#include <algorithm>
#include <cmath>

namespace coauth::protocol
{
namespace
{

using std::chrono::seconds;

bool looks_numeric(std::string_view text)
{
    if (text.starts_with('-'))
        text.remove_prefix(1);
    return !text.empty() && text.front() >= '0' && text.front() <= '9';
}

lifetime parse_number(std::string_view text, expires_in_rules const& rules)
{
    if (!looks_numeric(text))
        return {};
    auto const value = detail::parse_double(text);
    if (!value)
        return {};
    double const whole = std::floor(*value);
    if (whole <= 0)
        return apply_rule(rules.zero, rules);
    constexpr double longest = 2147483647.0;
    return {true, seconds(static_cast<std::int64_t>(std::min(whole, longest)))};
}

} // namespace

lifetime apply_rule(expires_in_rule rule, expires_in_rules const& rules)
{
    switch (rule)
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

lifetime interpret_expires_in(detail::json_value const& value, expires_in_rules const& rules)
{
    switch (value.kind)
    {
    case detail::json_kind::absent:
        return apply_rule(rules.absent, rules);
    case detail::json_kind::null:
        return apply_rule(rules.never, rules);
    case detail::json_kind::string:
        return detail::equal_ignoring_case(trim(value.text), "never")
                   ? apply_rule(rules.never, rules)
                   : parse_number(trim(value.text), rules);
    case detail::json_kind::number:
        return parse_number(value.text, rules);
    default:
        return {};
    }
}

} // namespace coauth::protocol
