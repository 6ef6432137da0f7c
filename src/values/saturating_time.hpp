#ifndef COAUTH_SRC_VALUES_SATURATING_TIME_HPP
#define COAUTH_SRC_VALUES_SATURATING_TIME_HPP

#include <chrono>
#include <ratio>

// Arithmetic on times that yields the limit of the type in place of an overflow. The units of
// clocks differ: system_clock counts nanoseconds with libstdc++, microseconds with libc++.
namespace coauth::detail
{

// Converts `span` to other units, rounded towards zero.
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

// `begin` plus `span`.
template <class Clock, class Duration, class Rep, class Period>
constexpr std::chrono::time_point<Clock, Duration> after(
    std::chrono::time_point<Clock, Duration> begin,
    std::chrono::duration<Rep, Period> span) noexcept
{
    auto const delta = saturating_cast<Duration>(span);
    auto const from = begin.time_since_epoch();
    bool const forwards = delta >= Duration::zero();
    if (forwards && (delta == Duration::max() || from > Duration::max() - delta))
        return begin.max();
    if (!forwards && from < Duration::min() - delta)
        return begin.min();
    return begin + delta;
}

// `end` minus `begin`.
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
