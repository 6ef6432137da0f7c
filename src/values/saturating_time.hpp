#ifndef COAUTH_SRC_VALUES_SATURATING_TIME_HPP
#define COAUTH_SRC_VALUES_SATURATING_TIME_HPP

#include <chrono>
#include <ratio>

// Sums and conversions of times that end where their type does, and do not overflow. Clocks count
// in different units: system_clock in nanoseconds with libstdc++, in microseconds with libc++.
namespace coauth::detail
{

// `span` in other units, rounded towards zero; what those cannot hold is the most that they can.
template <class To, class Rep, class Period>
constexpr To saturating_cast(std::chrono::duration<Rep, Period> span) noexcept
{
    using from = std::chrono::duration<Rep, Period>;
    if constexpr (std::ratio_less_v<typename To::period, Period>)
    {
        if (span >= std::chrono::duration_cast<from>(To::max()))
            return To::max();
        if (span <= std::chrono::duration_cast<from>(To::min()))
            return To::min();
    }
    return std::chrono::duration_cast<To>(span);
}

// `span` after `begin`: of a long one, the end of the clock.
template <class Clock, class Duration, class Rep, class Period>
constexpr std::chrono::time_point<Clock, Duration> after(
    std::chrono::time_point<Clock, Duration> begin,
    std::chrono::duration<Rep, Period> span) noexcept
{
    auto const given = saturating_cast<Duration>(span);
    auto const from = begin.time_since_epoch();
    bool const forwards = given >= Duration::zero();
    if (forwards && (given == Duration::max() || from > Duration::max() - given))
        return begin.max();
    if (!forwards && from < Duration::min() - given)
        return begin.min();
    return begin + given;
}

// From `begin` to `end`, and negative where that is earlier.
template <class Clock, class Duration>
constexpr std::chrono::nanoseconds between(
    std::chrono::time_point<Clock, Duration> begin,
    std::chrono::time_point<Clock, Duration> end) noexcept
{
    auto const from = begin.time_since_epoch();
    auto const to = end.time_since_epoch();
    bool const before = from < Duration::zero();
    if (before && to > Duration::max() + from)
        return std::chrono::nanoseconds::max();
    if (!before && to < Duration::min() + from)
        return std::chrono::nanoseconds::min();
    return saturating_cast<std::chrono::nanoseconds>(to - from);
}

} // namespace coauth::detail

#endif
