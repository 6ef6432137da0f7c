#ifndef COAUTH_SRC_TOKEN_STORE_REDIS_BACK_OFF_HPP
#define COAUTH_SRC_TOKEN_STORE_REDIS_BACK_OFF_HPP

#include <algorithm>
#include <chrono>

namespace coauth::redis
{

// When a connection may be opened again. Time and randomness are arguments.
class back_off
{
public:
    using time_point = std::chrono::steady_clock::time_point;

    [[nodiscard]] bool may_connect(time_point now) const noexcept { return now >= not_before_; }
    // A connection could not be opened, or broke before it was of any use. `random` is in [0, 1).
    void on_failure(time_point now, double random) noexcept
    {
        using std::chrono::milliseconds;
        constexpr milliseconds first(50);
        constexpr milliseconds longest(500);
        delay_ = delay_.count() == 0 ? first : std::min(2 * delay_, longest);
        auto const jittered = delay_ * (0.5 + random / 2);
        not_before_ = now + std::chrono::duration_cast<time_point::duration>(jittered);
    }
    void on_success() noexcept
    {
        delay_ = {};
        not_before_ = {};
    }

private:
    std::chrono::milliseconds delay_{};
    time_point not_before_;
};

} // namespace coauth::redis

#endif
