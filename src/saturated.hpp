#ifndef COAUTH_SRC_SATURATED_HPP
#define COAUTH_SRC_SATURATED_HPP

#include <chrono>
#include <ratio>

// Options hold longer times than clocks count: what does not fit is for ever, and not an overflow.

namespace coauth::detail
{

// The span in other units, or the longest that they have.
template <class To, class Rep, class Period>
constexpr To saturated(std::chrono::duration<Rep, Period> span) noexcept
{
    using from = std::chrono::duration<Rep, Period>;
    using std::chrono::duration_cast;
    if constexpr (std::ratio_less_v<typename To::period, Period>)
    {
        if (span >= duration_cast<from>(To::max()))
            return To::max();
        if (span <= duration_cast<from>(To::min()))
            return To::min();
    }
    return duration_cast<To>(span);
}

// The moment so long after `begin`. What is beyond the end of its clock is the end of it, and what
// comes after for ever is that wherever it begins.
template <class TimePoint, class Rep, class Period>
constexpr TimePoint after(TimePoint begin, std::chrono::duration<Rep, Period> span) noexcept
{
    using duration = typename TimePoint::duration;
    auto const added = saturated<duration>(span);
    if (added == duration::max())
        return TimePoint::max();
    if (added > duration::zero() && begin > TimePoint::max() - added)
        return TimePoint::max();
    if (added < duration::zero() && begin < TimePoint::min() - added)
        return TimePoint::min();
    return begin + added;
}

} // namespace coauth::detail

#endif
