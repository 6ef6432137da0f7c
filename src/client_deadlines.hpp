#ifndef COAUTH_SRC_CLIENT_DEADLINES_HPP
#define COAUTH_SRC_CLIENT_DEADLINES_HPP

#include <coauth/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>

namespace coauth::detail
{

// Something that must have ended by a moment. Links itself into a list: no allocation.
class timed : public std::enable_shared_from_this<timed>
{
public:
    using clock = std::chrono::steady_clock;

    // The moment came. Called without a lock.
    virtual void expire(clock::time_point now) = 0;
    // It ends before, for this reason. Called without a lock.
    virtual void end(errc why) = 0;

protected:
    ~timed() = default;

private:
    friend class client_deadlines;
    clock::time_point deadline_;
    timed* previous_ = nullptr;
    timed* next_ = nullptr;
    bool listed_ = false;
};

// All operations of a client in the order of their deadlines, with one timer for all.
class client_deadlines : public std::enable_shared_from_this<client_deadlines>
{
public:
    explicit client_deadlines(boost::asio::any_io_executor const& executor) : timer_(executor) {}

    // Adds it, or gives it another deadline. False: closed. Where memory fails for the timer, this
    // throws, and all end that it would have ended.
    bool set(timed& one, timed::clock::time_point deadline);
    void remove(timed& one);
    // Without operations the timer must not keep the context at work. Not part of `remove`: whoever
    // completes an operation often begins the next one at once.
    void settle();
    // Closes all that are in the list, and takes no more.
    void close() noexcept;
    void context_gone() noexcept;

private:
    void link(timed& one);
    void unlink(timed& one);
    void arm();
    void on_timer();
    void end_all(errc why) noexcept;
    // Takes the first whose deadline is not after `until`.
    std::shared_ptr<timed> take(timed::clock::time_point until) noexcept;

    std::mutex mutex_;
    timed* first_ = nullptr;
    timed* last_ = nullptr;
    bool closed_ = false;
    std::optional<boost::asio::steady_timer> timer_;
    // When the timer will fire; none: it does not run.
    std::optional<timed::clock::time_point> armed_;
};

} // namespace coauth::detail

#endif
