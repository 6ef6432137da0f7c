#include "policy/store_breaker.hpp"

#include <algorithm>

namespace coauth::policy
{
namespace
{

using std::chrono::milliseconds;

constexpr unsigned errors_to_open = 3;
constexpr milliseconds first_open{1000};
constexpr milliseconds longest_open{4000};
// Whoever tries the store may be cancelled, and say nothing.
constexpr milliseconds trial_time{1000};

} // namespace

bool store_breaker::admit(time_point now) noexcept
{
    if (!open_until_)
        return true;
    if (now < *open_until_ || (trial_until_ && now < *trial_until_))
        return false;
    trial_until_ = now + trial_time;
    return true;
}

void store_breaker::on_error(time_point now, double random) noexcept
{
    // Fetches that began before may fail later.
    if (open_until_ && now < *open_until_)
        return;
    ++errors_;
    if (!open_until_ && errors_ < errors_to_open)
        return;
    open_for_ = open_until_ ? std::min(2 * open_for_, longest_open) : first_open;
    // The processes of a fleet do not return at the same time.
    auto const wait = open_for_ * (0.75 + random / 4);
    open_until_ = now + std::chrono::duration_cast<milliseconds>(wait);
    trial_until_.reset();
}

} // namespace coauth::policy
