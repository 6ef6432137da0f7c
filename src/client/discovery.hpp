#ifndef COAUTH_SRC_CLIENT_DISCOVERY_HPP
#define COAUTH_SRC_CLIENT_DISCOVERY_HPP

#include <coauth/discover.hpp>

#include "net/reserved_memory.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace coauth::detail
{

using metadata_result = result<authorization_server>;

// What a discovery does with the metadata that the process has cached.
enum class cache_use
{
    // Uses them.
    find,
    // Fetches new ones in their place.
    replace,
};

// The URLs that may have the metadata of an issuer, in the order of use.
result<std::vector<std::string>>
well_known_urls(std::string const& issuer, bool allow_http_loopback);

class client_impl;
class discovery;

// The error of the highest rank is reported: unusable metadata before a server that fails or does
// not respond, and that before a response that says that there are no metadata.
[[nodiscard]] int error_rank(error const& failure);

// For requests with the same trust, proxy and header fields as the client's.
[[nodiscard]] discovery_options discovery_options_of(client_config const& config);

// A client for one request of metadata from this URL.
std::shared_ptr<client_impl> make_metadata_client(
    boost::asio::any_io_executor const& executor, discovery_options const& options,
    std::chrono::milliseconds timeout, std::string url, unsigned max_attempts);

// One call of `async_discover`, which waits for a discovery that it may share with others.
class discovery_call : public std::enable_shared_from_this<discovery_call>
{
public:
    using handler_type = boost::asio::any_completion_handler<discovery_completion_signature>;

    discovery_call(
        boost::asio::any_io_executor executor, std::chrono::milliseconds timeout,
        handler_type handler);

    // Lets the handler's cancellation slot end the call.
    void connect_cancellation_slot(std::shared_ptr<discovery> const& owner);
    // Calls the handler. On the executor.
    void complete(metadata_result outcome);
    // The same, never within this call. Throws if there is no memory.
    void post_completion(metadata_result outcome);

    boost::asio::any_io_executor const executor;
    std::chrono::steady_clock::time_point const deadline;

private:
    handler_type handler_;
};

// The requests for the metadata of one issuer, for all calls that need them at the same time.
//
// Each round tries one URL after another until the metadata are found. After a transient failure
// there is another round, as `retry_options` has it for tokens. It is owned by its pending wait:
// when the context destroys that, the handlers of all calls are destroyed with it.
class discovery : public std::enable_shared_from_this<discovery>
{
public:
    discovery(
        boost::asio::any_io_executor executor, std::string issuer, discovery_options options,
        std::vector<std::string> urls, void const* owner);

    // False: it has finished, or it is not the one that this call needs.
    [[nodiscard]] bool try_add(
        std::shared_ptr<discovery_call> const& call, std::string const& issuer,
        discovery_options const& options, void const* owner);
    // Throws if there is no memory: the first call then has to be dropped by the caller.
    void begin();
    // Ends one call; the discovery itself goes on for the others. From any thread.
    void cancel(discovery_call& call);

private:
    class timer_handler;
    struct response_handler;

    void begin_round();
    void try_next_url();
    void on_response(metadata_result response);
    // Whether another URL is tried after this failure.
    [[nodiscard]] bool should_try_next(error const& failure);
    // The delay before another round; none: there is no other.
    [[nodiscard]] std::optional<std::chrono::nanoseconds> next_delay() const;
    void wait_for_next_round(std::chrono::nanoseconds delay);
    void finish(metadata_result outcome);
    // The calls that end now; all of them, unless some have more time than those that timed out.
    [[nodiscard]] std::vector<std::shared_ptr<discovery_call>>
    take_calls(metadata_result const& outcome);
    [[nodiscard]] bool is_over(std::chrono::steady_clock::time_point deadline) const;

    boost::asio::any_io_executor const executor_;
    std::string const issuer_;
    discovery_options const options_;
    std::vector<std::string> const urls_;
    void const* const owner_;
    std::size_t next_url_ = 0;
    unsigned rounds_ = 0;
    // Of this round: the error to report if nothing is found, and one that may pass.
    std::optional<error> failure_;
    std::optional<error> transient_failure_;
    // Of the first call that waits.
    std::chrono::steady_clock::time_point deadline_;
    std::shared_ptr<net::reserved_memory> const timer_memory_;

    // Guards the rest.
    std::mutex mutex_;
    std::vector<std::shared_ptr<discovery_call>> calls_;
    bool cancelled_ = false;
    bool finished_ = false;
    boost::asio::cancellation_signal cancel_operation_;
    boost::asio::steady_timer timer_;
};

// The discoveries under way in this process. Thread-safe.
class discovery_registry
{
public:
    // Completes the call from the cache, adds it to a discovery under way, or begins one.
    void start(
        std::shared_ptr<discovery_call> const& call, std::string const& issuer,
        discovery_options const& options, std::vector<std::string> urls, cache_use cache,
        void const* owner);

private:
    std::mutex mutex_;
    std::vector<std::weak_ptr<discovery>> running_;
};

discovery_registry& shared_discoveries();

// The handler is called once, on the executor, and not within this call. Calls with the same owner,
// which outlives them, have the same options except for the time limit. Null: they may have others.
void start_discovery(
    boost::asio::any_io_executor const& executor, std::string const& issuer,
    discovery_options const& options, cache_use cache, void const* owner,
    discovery_call::handler_type handler);

} // namespace coauth::detail

#endif
