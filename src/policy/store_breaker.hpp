#ifndef COAUTH_SRC_POLICY_STORE_BREAKER_HPP
#define COAUTH_SRC_POLICY_STORE_BREAKER_HPP

#include <chrono>
#include <optional>

namespace coauth::policy
{

// Keeps away from a token store that does not respond: after three errors in a row for a second,
// then for longer, up to 4 s, so that sharing resumes within 5 s. Then one fetch at a time tries
// it.
class store_breaker
{
public:
    using time_point = std::chrono::steady_clock::time_point;

    // True if a fetch may use the store.
    bool admit(time_point now) noexcept;
    // An operation of the store succeeded.
    void on_success() noexcept { *this = store_breaker(); }
    // It failed. `random` is uniform in [0, 1).
    void on_error(time_point now, double random) noexcept;

private:
    unsigned errors_ = 0;
    std::chrono::milliseconds open_for_{0};
    // None: the store is in use.
    std::optional<time_point> open_until_;
    // The fetch that tries the store has time until then.
    std::optional<time_point> trial_until_;
};

} // namespace coauth::policy

#endif
