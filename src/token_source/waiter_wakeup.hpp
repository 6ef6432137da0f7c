#ifndef COAUTH_SRC_TOKEN_SOURCE_WAITER_WAKEUP_HPP
#define COAUTH_SRC_TOKEN_SOURCE_WAITER_WAKEUP_HPP

#include <coauth/detail/token_wait_op.hpp>
#include <coauth/observer.hpp>

#include "policy/waiter_list.hpp"
#include "values/notify.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace coauth::detail
{

// Operations are completed for this time before the executor may do other work.
inline constexpr std::chrono::microseconds time_slice{250};

inline token_wait_op::ptr adopt(waiter_base* waiter) noexcept
{
    return token_wait_op::ptr(static_cast<token_wait_op*>(waiter));
}

// Destroys the operations without a call of their handlers.
inline void destroy_all(policy::waiter_batch& waiters) noexcept
{
    while (auto* const waiter = waiters.pop())
        (void)adopt(waiter);
}

// Reports that a call got the token. `waited`: none if it got it at once. `usable_until`: the end
// of the clock if the token has no known end.
inline void notify_served(
    std::shared_ptr<observer> const& to, access_token const& token,
    std::optional<std::chrono::steady_clock::duration> waited,
    std::chrono::steady_clock::time_point usable_until, event_context const& context) noexcept
{
    using clock = std::chrono::steady_clock;
    auto const now = clock::now();
    std::optional<clock::duration> usable_for;
    if (token.lifetime() == std::chrono::seconds(0))
        usable_for = clock::duration(0);
    else if (usable_until != clock::time_point::max())
        usable_for = std::max(usable_until - now, clock::duration(0));
    token_served const event{waited, now - token.requested_at_steady(), usable_for, context};
    notify(to, [&](observer& sink) { sink.on_token_served(event); });
}

// Completes the operations that waited for a fetch, one time slice after the other.
class waiter_wakeup
{
public:
    using clock = std::chrono::steady_clock;

    waiter_wakeup(boost::asio::any_io_executor executor, std::shared_ptr<coauth::observer> observer)
        : executor_(std::move(executor))
        , observer_(std::move(observer))
    {
    }
    waiter_wakeup(waiter_wakeup const&) = delete;
    waiter_wakeup& operator=(waiter_wakeup const&) = delete;
    // Operations are left only if the context was destroyed: no handler may be called then.
    ~waiter_wakeup() { destroy_all(waiters); }

    static void run(std::shared_ptr<waiter_wakeup> const& self)
    {
        // Also when a handler throws.
        struct reschedule_guard
        {
            ~reschedule_guard() { reschedule(wakeup); }
            std::shared_ptr<waiter_wakeup> const& wakeup;
        };
        reschedule_guard const guard{self};
        self->complete_until(clock::now() + time_slice);
    }

    static void reschedule(std::shared_ptr<waiter_wakeup> const& self) noexcept
    {
        if (self->waiters.empty())
            return;
        try
        {
            boost::asio::post(self->executor_, [self] { run(self); });
        }
        catch (...)
        {
            // There is no memory to post.
            self->complete_all();
        }
    }

    void complete_all() noexcept
    {
        while (!waiters.empty())
            try
            {
                complete_until(clock::time_point::max());
            }
            catch (...) // NOLINT(bugprone-empty-catch): it must not leave this function
            {
            }
    }

    policy::waiter_batch waiters;
    result<access_token> outcome = error(errc::cancelled);
    clock::time_point usable_until = clock::time_point::max();
    // The version of the credentials that the fetch sent.
    std::uint64_t credentials = 0;
    // Of the events. The waiting operations own the source that owns its texts.
    event_context context;

private:
    void complete_until(clock::time_point end)
    {
        for (unsigned completed = 1; auto* const waiter = waiters.pop(); ++completed)
        {
            auto operation = adopt(waiter);
            if (observer_ && outcome)
                notify_served(
                    observer_, *outcome, clock::now() - operation->started, usable_until, context);
            token_wait_op::complete(std::move(operation), outcome);
            if (completed % 8 == 0 && clock::now() >= end)
                return;
        }
    }

    boost::asio::any_io_executor executor_;
    std::shared_ptr<coauth::observer> observer_;
};

} // namespace coauth::detail

#endif
