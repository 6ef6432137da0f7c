#ifndef COAUTH_SRC_NET_STOP_STATE_HPP
#define COAUTH_SRC_NET_STOP_STATE_HPP

#include <coauth/error.hpp>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <utility>

namespace coauth::net
{

// A wait that can be ended: it then completes soon, with an error.
class cancellable
{
public:
    // Called under the lock of the stop state, from any thread. Also called before the wait has
    // started, which then does not start.
    virtual void cancel() noexcept = 0;

protected:
    ~cancellable() = default;
};

// Ends the waits of an operation, from any thread and at any moment. The operation checks it before
// each wait, under the same lock, so that no call of `abort` is lost.
class stop_state
{
public:
    using time_point = std::chrono::steady_clock::time_point;

    // The wait that an abort ends while this object lives. Not to be nested.
    class scope
    {
    public:
        scope(stop_state& owner, cancellable& what) : owner_(owner)
        {
            std::lock_guard const lock(owner_.mutex_);
            owner_.current_ = &what;
        }
        ~scope()
        {
            std::lock_guard const lock(owner_.mutex_);
            owner_.current_ = nullptr;
        }
        scope(scope const&) = delete;
        scope& operator=(scope const&) = delete;

    private:
        stop_state& owner_;
    };

    void abort(errc reason) noexcept
    {
        std::lock_guard const lock(mutex_);
        if (reason_ && !attempt_only_)
            return;
        attempt_only_ = false;
        set(reason);
    }
    // Ends the present attempt alone, if its time is over. The next attempt may have started
    // between the caller's decision and this call: it is not affected.
    void abort_attempt(errc reason, time_point now) noexcept
    {
        std::lock_guard const lock(mutex_);
        if (reason_ || now < attempt_ends_)
            return;
        attempt_only_ = true;
        set(reason);
    }

    void begin_attempt(time_point ends)
    {
        std::lock_guard const lock(mutex_);
        if (attempt_only_)
            reason_.reset();
        attempt_only_ = false;
        attempt_ends_ = ends;
    }

    // From `when` on, `interrupt` ends the present wait or the next, once.
    void set_interruption(time_point when)
    {
        std::lock_guard const lock(mutex_);
        interrupt_at_ = when;
        is_interrupted_ = false;
    }
    void clear_interruption() { set_interruption(time_point::max()); }
    // Ends a wait with operation_aborted, as an abort does; but the operation may go on.
    void interrupt(time_point now) noexcept
    {
        std::lock_guard const lock(mutex_);
        if (reason_ || now < interrupt_at_)
            return;
        interrupt_at_ = time_point::max();
        is_interrupted_ = true;
        if (current_ != nullptr)
            current_->cancel();
    }
    // True: the wait that ended was interrupted. The next one is not.
    [[nodiscard]] bool take_interruption()
    {
        std::lock_guard const lock(mutex_);
        return std::exchange(is_interrupted_, false) && !reason_;
    }
    // The next time after `now` at which `abort_attempt` or `interrupt` has to be called.
    [[nodiscard]] time_point next_event(time_point now) const
    {
        std::lock_guard const lock(mutex_);
        auto next = interrupt_at_;
        if (attempt_ends_ > now)
            next = std::min(next, attempt_ends_);
        return next;
    }

    [[nodiscard]] std::optional<errc> abort_reason() const
    {
        std::lock_guard const lock(mutex_);
        return reason_;
    }
    [[nodiscard]] bool aborted() const { return abort_reason().has_value(); }
    // The whole operation is aborted, not only the present attempt.
    [[nodiscard]] bool stopped_permanently() const
    {
        std::lock_guard const lock(mutex_);
        return reason_ && !attempt_only_;
    }

    // Starts a wait, unless aborted or interrupted. False: it was not started. The operation may
    // continue in another thread before this returns: the caller must not touch it after that.
    template <class Begin>
    bool start(Begin&& begin) noexcept
    {
        std::lock_guard const lock(mutex_);
        if (reason_ || is_interrupted_)
            return false;
        begin();
        return true;
    }

private:
    // With the lock held.
    void set(errc reason) noexcept
    {
        reason_ = reason;
        if (current_ != nullptr)
            current_->cancel();
    }

    std::mutex mutable mutex_;
    std::optional<errc> reason_;
    bool attempt_only_ = false;
    time_point attempt_ends_ = time_point::max();
    time_point interrupt_at_ = time_point::max();
    bool is_interrupted_ = false;
    cancellable* current_ = nullptr;
};

} // namespace coauth::net

#endif
