// Times near the ends of their types, and clocks that do not count nanoseconds.

#include "values/saturating_time.hpp"

#include "support.hpp"

#include <limits>
#include <ratio>

namespace detail = coauth::detail;
using namespace std::chrono;

BOOST_AUTO_TEST_SUITE(saturating_time)

namespace
{

template <class Duration>
struct clock_of
{
    using duration = Duration;
    using rep = typename duration::rep;
    using period = typename duration::period;
    using time_point = std::chrono::time_point<clock_of>;
};

// As those of libstdc++, libc++ and MSVC, and a coarse one.
using in_nanoseconds = clock_of<nanoseconds>;
using in_microseconds = clock_of<microseconds>;
using in_hundreds = clock_of<duration<std::int64_t, std::ratio<1, 10'000'000>>>;
using in_seconds = clock_of<seconds>;

// Some time in 2030. A clock that starts with the machine has earlier times.
constexpr seconds present{1'900'000'000};

template <class Clock>
void check_sums()
{
    using time_point = typename Clock::time_point;
    constexpr auto end = time_point::max();
    time_point const now(present);
    for (time_point const begin : {now, time_point(), time_point(-present)})
    {
        BOOST_TEST((detail::after(begin, nanoseconds(hours(1))) == begin + hours(1)));
        BOOST_TEST((detail::after(begin, hours(-1)) == begin - hours(1)));
        BOOST_TEST((detail::after(begin, hours::max()) == end));
        BOOST_TEST((detail::after(begin, seconds::max()) == end));
        BOOST_TEST((detail::after(begin, Clock::duration::max()) == end));
        BOOST_TEST((detail::between(begin, begin + minutes(1)) == minutes(1)));
        BOOST_TEST((detail::between(begin, begin - minutes(1)) == minutes(-1)));
        BOOST_TEST((detail::between(begin, begin) == nanoseconds(0)));
    }
    BOOST_TEST((detail::after(end, seconds(1)) == end));
    BOOST_TEST((detail::after(end - seconds(1), hours(1)) == end));
    BOOST_TEST((detail::after(end, seconds(0)) == end));
    BOOST_TEST((detail::after(time_point(-present), seconds::min()) == time_point::min()));
    BOOST_TEST((detail::after(time_point::min(), hours(-1)) == time_point::min()));
    BOOST_TEST((detail::between(time_point::min(), now) == nanoseconds::max()));
    BOOST_TEST((detail::between(time_point(-present), end) == nanoseconds::max()));
    BOOST_TEST((detail::between(end, time_point(-present)) == nanoseconds::min()));
    BOOST_TEST((detail::between(now, end) > hours(24 * 365 * 200)));
}

} // namespace

BOOST_AUTO_TEST_CASE(sums_saturate_at_the_end_of_any_clock)
{
    check_sums<in_nanoseconds>();
    check_sums<in_microseconds>();
    check_sums<in_hundreds>();
    check_sums<in_seconds>();
}

// 292 years, which a clock of microseconds can represent.
BOOST_AUTO_TEST_CASE(the_longest_duration_in_nanoseconds_saturates)
{
    in_microseconds::time_point const begin(present);
    BOOST_TEST(
        (detail::after(begin, nanoseconds::max()) ==
         begin + duration_cast<microseconds>(nanoseconds::max())));
    BOOST_TEST(
        (detail::between(begin, begin + duration_cast<microseconds>(nanoseconds::max())) >
         hours(24 * 365 * 292)));
    BOOST_TEST((detail::between(begin, in_microseconds::time_point::max()) == nanoseconds::max()));
}

BOOST_AUTO_TEST_CASE(conversions_saturate_at_the_limits_of_their_type)
{
    BOOST_TEST((detail::saturating_cast<nanoseconds>(seconds(3)) == seconds(3)));
    BOOST_TEST((detail::saturating_cast<nanoseconds>(seconds(-3)) == seconds(-3)));
    BOOST_TEST((detail::saturating_cast<nanoseconds>(microseconds::max()) == nanoseconds::max()));
    BOOST_TEST((detail::saturating_cast<nanoseconds>(microseconds::min()) == nanoseconds::min()));
    BOOST_TEST((detail::saturating_cast<nanoseconds>(seconds::max()) == nanoseconds::max()));
    BOOST_TEST((detail::saturating_cast<nanoseconds>(nanoseconds::max()) == nanoseconds::max()));
    BOOST_TEST(
        (detail::saturating_cast<seconds>(nanoseconds::max()) ==
         floor<seconds>(nanoseconds::max())));
    BOOST_TEST((detail::saturating_cast<seconds>(nanoseconds(-1)) == seconds(0)));
}

BOOST_AUTO_TEST_SUITE_END()
