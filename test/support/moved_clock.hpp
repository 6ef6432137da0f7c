#ifndef COAUTH_TEST_SUPPORT_MOVED_CLOCK_HPP
#define COAUTH_TEST_SUPPORT_MOVED_CLOCK_HPP

#include <chrono>

namespace test
{

// While it lives, the wall clock is ahead: the program's clock_gettime and time replace those of
// the C library. One at a time.
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
