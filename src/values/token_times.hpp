#ifndef COAUTH_SRC_VALUES_TOKEN_TIMES_HPP
#define COAUTH_SRC_VALUES_TOKEN_TIMES_HPP

#include <chrono>

namespace coauth::detail
{

// One moment as both clocks show it.
struct clock_pair
{
    std::chrono::system_clock::time_point wall;
    std::chrono::steady_clock::time_point steady;
};

// A time limit on both clocks, reached when either clock shows it. By default never.
struct dual_time
{
    std::chrono::system_clock::time_point wall = std::chrono::system_clock::time_point::max();
    std::chrono::steady_clock::time_point steady = std::chrono::steady_clock::time_point::max();

    [[nodiscard]] bool reached(clock_pair now) const noexcept
    {
        return now.wall >= wall || now.steady >= steady;
    }
};

// From when a token source refreshes a token, and until when it returns it.
struct token_times
{
    dual_time refresh;
    dual_time end;
};

} // namespace coauth::detail

#endif
