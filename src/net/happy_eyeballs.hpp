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

// Connects to one of several addresses (RFC 8305): the address families alternate, the next
// attempt starts beside the previous ones after a delay, and the first connection wins.
//
// Its pending connects own it. The operation that waits must not own it, because it owns that
// operation's handler.
class happy_eyeballs final : public std::enable_shared_from_this<happy_eyeballs>
{
public:
    using socket = boost::asio::ip::tcp::socket;
    using handler = continuation<boost::system::error_code, std::optional<socket>>;

    happy_eyeballs(
        boost::asio::any_io_executor executor, endpoints const& addresses,
        std::chrono::milliseconds connection_attempt_delay);

    // Calls the handler once, never within this call. `addresses` must not have been empty.
    void begin(handler completion);
    void cancel() noexcept;

    class waiter final : public cancellable
    {
    public:
        explicit waiter(std::weak_ptr<happy_eyeballs> attempts) : attempts_(std::move(attempts)) {}
        void cancel() noexcept override
        {
            if (auto const attempts = attempts_.lock())
                attempts->cancel();
        }

    private:
        std::weak_ptr<happy_eyeballs> attempts_;
    };

private:
    void start_next();
    // False: there was no memory.
    bool start_next_noexcept() noexcept;
    void cancel_all() noexcept;
    void start_timer();
    void on_connect(std::list<socket>::iterator attempt, boost::system::error_code ec);
    // Releases the lock.
    void complete(
        std::unique_lock<std::mutex> lock, boost::system::error_code ec,
        std::optional<socket> connected);

    boost::asio::any_io_executor executor_;
    endpoints addresses_;
    std::chrono::milliseconds connection_attempt_delay_;
    handler completion_;

    // Its handlers may run on different threads.
    std::mutex mutex_;
    std::size_t next_ = 0;
    std::list<socket> attempts_;
    boost::asio::steady_timer timer_;
    bool completed_ = false;
};

// Alternates the address families, beginning with that of the first address.
endpoints interleave(endpoints const& addresses);

} // namespace coauth::net

#endif
