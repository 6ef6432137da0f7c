#ifndef COAUTH_SRC_TESTING_CLAMP_DURATION_HPP
#define COAUTH_SRC_TESTING_CLAMP_DURATION_HPP

#include <algorithm>
#include <chrono>

namespace coauth::testing
{

// At most 100 years: adding `milliseconds::max()` to the time of a clock would overflow.
template <class Duration>
Duration clamp_duration(Duration duration)
{
    return std::min<Duration>(duration, std::chrono::hours(24 * 365 * 100));
}

} // namespace coauth::testing

#endif
