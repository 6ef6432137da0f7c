#ifndef COAUTH_SRC_NET_HAPPY_EYEBALLS_HPP
#define COAUTH_SRC_NET_HAPPY_EYEBALLS_HPP

#include "net/continuation.hpp"
#include "net/resolver.hpp"
#include "net/stop_state.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <list>
#include <optional>

namespace coauth::net
{

// Connects to one of several addresses (RFC 8305): the families take turns, each address has a
// head start before the next is tried beside it, and the first connection wins.
//
// Lives in its own pending connects; whoever waits for it must not own it, since it owns them.
class happy_eyeballs final : public std::enable_shared_from_this<happy_eyeballs>
{
public:
    using socket = boost::asio::ip::tcp::socket;
    using handler = continuation<boost::system::error_code, std::optional<socket>>;

    happy_eyeballs(
        boost::asio::any_io_executor executor, endpoints const& addresses,
        std::chrono::milliseconds connection_attempt_delay);

    // Calls the handler once, never within this call. `addresses` must not have been empty.
    void begin(handler done);
    void cancel() noexcept;

    class waiter final : public cancellable
    {
    public:
        explicit waiter(std::weak_ptr<happy_eyeballs> one) : race_(std::move(one)) {}
        void cancel() noexcept override
        {
            if (auto const running = race_.lock())
                running->cancel();
        }

    private:
        std::weak_ptr<happy_eyeballs> race_;
    };

private:
    void start_next();
    // False: there was no memory for it.
    bool try_next() noexcept;
    void cancel_all() noexcept;
    void start_timer();
    void connected(std::list<socket>::iterator which, boost::system::error_code ec);
    // With the lock held, which it gives up.
    void finish(
        std::unique_lock<std::mutex> lock, boost::system::error_code ec, std::optional<socket> won);

    boost::asio::any_io_executor executor_;
    endpoints addresses_;
    std::chrono::milliseconds head_start_;
    handler done_;

    // Its callbacks may run on different threads.
    std::mutex mutex_;
    std::size_t next_ = 0;
    std::list<socket> running_;
    boost::asio::steady_timer timer_;
    bool finished_ = false;
};

// Alternates the families, beginning with that of the first address.
endpoints interleaved(endpoints const& addresses);

} // namespace coauth::net

#endif
