#ifndef COAUTH_SRC_NET_BACKGROUND_TIMER_HPP
#define COAUTH_SRC_NET_BACKGROUND_TIMER_HPP

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <functional>
#include <memory>

namespace coauth::net
{

// A timer that is not outstanding work: `run()` returns while it waits.
class background_timer
{
public:
    // `executor` is that of an io_context or a thread_pool, or a strand of one. With others the
    // timer never fires.
    explicit background_timer(boost::asio::any_io_executor const& executor);
    ~background_timer();
    background_timer(background_timer const&) = delete;
    background_timer& operator=(background_timer const&) = delete;

    // Calls `call` at that time, in a thread of the context. Start it only in such a thread, and
    // not while it waits.
    void start(std::chrono::steady_clock::time_point when, std::function<void()> call);

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

} // namespace coauth::net

#endif
