#ifndef COAUTH_TEST_SUPPORT_MOVED_CLOCK_HPP
#define COAUTH_TEST_SUPPORT_MOVED_CLOCK_HPP

#include <chrono>

namespace test
{

// While it lives, the wall clock is so far ahead: this program's own clock_gettime and time stand
// before the library's. One at a time.
class moved_clock
{
public:
    explicit moved_clock(std::chrono::seconds ahead);
    ~moved_clock();
    moved_clock(moved_clock const&) = delete;
    moved_clock& operator=(moved_clock const&) = delete;
};

} // namespace test

#endif
