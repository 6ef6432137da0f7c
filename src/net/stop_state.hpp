#ifndef COAUTH_SRC_NET_STOP_STATE_HPP
#define COAUTH_SRC_NET_STOP_STATE_HPP

#include <coauth/error.hpp>

#include <chrono>
#include <mutex>
#include <optional>

namespace coauth::net
{

// Something that waits, and whose wait can be ended: it then completes soon, as failed.
class cancellable
{
public:
    // Called under the lock of the switch, from any thread; also before the wait has begun, which
    // then does not begin.
    virtual void cancel() noexcept = 0;

protected:
    ~cancellable() = default;
};

// Ends what an operation waits for, from any thread and at any moment. The operation looks at it
// before each wait, under the same lock, so that no call of `abort` is lost.
class stop_state
{
public:
    using time_point = std::chrono::steady_clock::time_point;

    // What the operation waits with while this lives. Not to be nested.
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

    void abort(errc why) noexcept
    {
        std::lock_guard const lock(mutex_);
        if (why_ && !attempt_only_)
            return;
        attempt_only_ = false;
        set(why);
    }
    // Ends the present attempt alone, if its time is up: a later one begins anew, and may have
    // begun while somebody was on the way to here.
    void abort_attempt(errc why, time_point now) noexcept
    {
        std::lock_guard const lock(mutex_);
        if (why_ || now < attempt_ends_)
            return;
        attempt_only_ = true;
        set(why);
    }

    void begin_attempt(time_point ends)
    {
        std::lock_guard const lock(mutex_);
        if (attempt_only_)
            why_.reset();
        attempt_only_ = false;
        attempt_ends_ = ends;
    }

    [[nodiscard]] std::optional<errc> why() const
    {
        std::lock_guard const lock(mutex_);
        return why_;
    }
    [[nodiscard]] bool aborted() const { return why().has_value(); }
    // It is not the present attempt alone that has ended.
    [[nodiscard]] bool stopped_permanently() const
    {
        std::lock_guard const lock(mutex_);
        return why_ && !attempt_only_;
    }

    // Begins a wait, unless aborted. False: nothing was begun. What waits may go on, on another
    // thread, before this returns: nothing of the operation's may be touched after that.
    template <class Begin>
    bool start(Begin&& begin) noexcept
    {
        std::lock_guard const lock(mutex_);
        if (why_)
            return false;
        begin();
        return true;
    }

private:
    // With the lock held.
    void set(errc why) noexcept
    {
        why_ = why;
        if (current_ != nullptr)
            current_->cancel();
    }

    std::mutex mutable mutex_;
    std::optional<errc> why_;
    bool attempt_only_ = false;
    time_point attempt_ends_ = time_point::max();
    cancellable* current_ = nullptr;
};

} // namespace coauth::net

#endif
