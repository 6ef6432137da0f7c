#ifndef COAUTH_SRC_CLIENT_DEADLINE_QUEUE_HPP
#define COAUTH_SRC_CLIENT_DEADLINE_QUEUE_HPP

#include <coauth/error.hpp>

#include "net/continuation.hpp"
#include "net/reserved_memory.hpp"
#include "values/abortable.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/set.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>

namespace coauth::detail
{

// An operation with a deadline. An intrusive node: the queue does not allocate.
class deadline_entry : public net::resumable,
                       public abortable,
                       public std::enable_shared_from_this<deadline_entry>,
                       public boost::intrusive::set_base_hook<>
{
public:
    using clock = std::chrono::steady_clock;

    // Called without a lock.
    virtual void on_deadline(clock::time_point now) noexcept = 0;

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
    // True between `add` and `remove`.
    bool is_added_ = false;
    // The list of entries to be resumed: owns this one while it is in the list.
    std::shared_ptr<deadline_entry> resume_owner_;
    deadline_entry* next_to_resume_ = nullptr;
};

// The operations of a client in the order of their deadlines, with one timer for all. Thread-safe.
//
// While there is an operation, a wait of the timer is outstanding. It has memory of its own, so
// that operations come to their end even if nothing can be allocated any more.
class deadline_queue : public std::enable_shared_from_this<deadline_queue>
{
public:
    using time_point = deadline_entry::clock::time_point;

    explicit deadline_queue(boost::asio::any_io_executor const& executor);
    ~deadline_queue();
    deadline_queue(deadline_queue const&) = delete;
    deadline_queue& operator=(deadline_queue const&) = delete;

    // False: the queue is closed. Throws if there is no memory for the timer.
    bool add(deadline_entry& entry, time_point deadline);
    // Changes the deadline. False: the queue is closed.
    bool set(deadline_entry& entry, time_point deadline) noexcept;
    // The same, unless its deadline is earlier, or it was removed.
    bool set_at_latest(deadline_entry& entry, time_point deadline) noexcept;
    void remove(deadline_entry& entry) noexcept;
    // Without operations the timer must not keep the context at work. Not part of `remove`, because
    // whoever completes an operation often begins the next one at once.
    void cancel_idle_timer() noexcept;
    // Calls `entry->resume()`, never within this call.
    void resume_later(std::shared_ptr<deadline_entry> entry) noexcept;
    // Aborts all operations; accepts no more.
    void close() noexcept;
    void context_gone() noexcept;

private:
    class timer_handler;

    // With the lock held.
    void relink(deadline_entry& entry, time_point deadline) noexcept;
    void arm();
    void try_arm() noexcept;
    void rearm() noexcept;
    void abort_all(errc reason) noexcept;
    void on_timer(bool fired);
    // The first entry whose deadline is not after `until`; null: none.
    std::shared_ptr<deadline_entry> pop_due(time_point until) noexcept;
    std::shared_ptr<deadline_entry> pop_resumed() noexcept;

    boost::asio::any_io_executor const executor_;
    std::shared_ptr<net::reserved_memory> const memory_;
    std::mutex mutex_;
    boost::intrusive::multiset<deadline_entry, boost::intrusive::compare<deadline_entry::earlier>>
        by_deadline_;
    // Number of entries between `add` and `remove`.
    std::size_t added_ = 0;
    deadline_entry* first_to_resume_ = nullptr;
    deadline_entry* last_to_resume_ = nullptr;
    bool closed_ = false;
    // Empty: the context is gone.
    std::optional<boost::asio::steady_timer> timer_;
    // A wait of the timer is outstanding.
    bool is_armed_ = false;
    time_point armed_until_;
    // The wait is being initiated.
    bool is_arming_ = false;
};

} // namespace coauth::detail

#endif
