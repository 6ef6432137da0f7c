#include "moved_clock.hpp"

#include <atomic>
#include <ctime>
#include <dlfcn.h>

namespace
{

std::atomic<std::time_t> moved{0};

} // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept
{
    using function = int (*)(clockid_t, timespec*);
    static auto const next = reinterpret_cast<function>(dlsym(RTLD_NEXT, "clock_gettime"));
    int const failed = next(clock, now);
    if (failed == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += moved;
    return failed;
}

extern "C" std::time_t time(std::time_t* result) noexcept
{
    timespec now{};
    (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (result != nullptr)
        *result = now.tv_sec;
    return now.tv_sec;
}

namespace test
{

moved_clock::moved_clock(std::chrono::seconds ahead)
{
    moved = ahead.count();
}

moved_clock::~moved_clock()
{
    moved = 0;
}

} // namespace test
