#ifndef COAUTH_SRC_TESTING_LONG_TIMES_HPP
#define COAUTH_SRC_TESTING_LONG_TIMES_HPP

#include <algorithm>
#include <chrono>

namespace coauth::testing
{

// A time for ever is longer than clocks count; no server of a test runs for so long.
template <class Duration>
Duration countable(Duration time)
{
    return std::min<Duration>(time, std::chrono::hours(24 * 365 * 100));
}

} // namespace coauth::testing

#endif
