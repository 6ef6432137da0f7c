#ifndef COAUTH_SRC_CLIENT_DEADLINE_QUEUE_HPP
#define COAUTH_SRC_CLIENT_DEADLINE_QUEUE_HPP

#include <coauth/error.hpp>

#include "net/continuation.hpp"
#include "net/reserved_memory.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/set.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>

namespace coauth::detail
{

// An operation that must have ended by a moment. Links itself into the lists: no allocation.
class deadline_entry : public net::resumable,
                       public std::enable_shared_from_this<deadline_entry>,
                       public boost::intrusive::set_base_hook<>
{
public:
    using clock = std::chrono::steady_clock;

    // The moment came. Called without a lock.
    virtual void expire(clock::time_point now) noexcept = 0;
    // It ends before, for this reason. Called without a lock.
    virtual void end(errc why) noexcept = 0;

protected:
    ~deadline_entry() = default;

private:
    friend class deadline_queue;
    struct earlier
    {
        bool operator()(deadline_entry const& a, deadline_entry const& b) const noexcept
        {
            return a.deadline_ < b.deadline_;
        }
    };

    clock::time_point deadline_;
    // Between `add` and `remove`.
    bool added_ = false;
    // While it is to be resumed, and who is next.
    std::shared_ptr<deadline_entry> resumed_;
    deadline_entry* next_resumed_ = nullptr;
};

// All operations of a client in the order of their deadlines, with one timer for all.
//
// While there is an operation, a wait of the timer is outstanding, with memory of its own: without
// any other memory, it is by this wait that an operation goes on to its end.
class deadline_queue : public std::enable_shared_from_this<deadline_queue>
{
public:
    explicit deadline_queue(boost::asio::any_io_executor const& executor);
    ~deadline_queue();
    deadline_queue(deadline_queue const&) = delete;
    deadline_queue& operator=(deadline_queue const&) = delete;

    // False: closed. Throws where there is no memory for the timer.
    bool add(deadline_entry& one, deadline_entry::clock::time_point deadline);
    // Gives it another deadline. False: closed.
    bool set(deadline_entry& one, deadline_entry::clock::time_point deadline) noexcept;
    void remove(deadline_entry& one) noexcept;
    // Without operations the timer must not keep the context at work. Not part of `remove`: whoever
    // completes an operation often begins the next one at once.
    void settle() noexcept;
    // Calls its `resume`, never within this call.
    void resume_later(std::shared_ptr<deadline_entry> one) noexcept;
    // Ends all that were added, and takes no more.
    void close() noexcept;
    void context_gone() noexcept;

private:
    class timer_handler;

    // With the lock held.
    void arm();
    void rearm_with_lock() noexcept;
    void rearm() noexcept;
    void end_all(errc why) noexcept;
    void run_due(bool fired);
    // Takes the first whose deadline is not after `until`.
    std::shared_ptr<deadline_entry> take_due(deadline_entry::clock::time_point until) noexcept;
    std::shared_ptr<deadline_entry> take_resumed() noexcept;

    boost::asio::any_io_executor const executor_;
    std::shared_ptr<net::reserved_memory> const memory_;
    std::mutex mutex_;
    boost::intrusive::multiset<deadline_entry, boost::intrusive::compare<deadline_entry::earlier>>
        by_deadline_;
    std::size_t added_ = 0;
    deadline_entry* first_resumed_ = nullptr;
    deadline_entry* last_resumed_ = nullptr;
    bool closed_ = false;
    // None: the context is gone.
    std::optional<boost::asio::steady_timer> timer_;
    // Its wait is outstanding, until then.
    bool waits_ = false;
    deadline_entry::clock::time_point waits_until_;
    // It is being begun.
    bool arming_ = false;
};

} // namespace coauth::detail

#endif
