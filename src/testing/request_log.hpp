#ifndef COAUTH_SRC_TESTING_REQUEST_LOG_HPP
#define COAUTH_SRC_TESTING_REQUEST_LOG_HPP

#include <coauth/testing/received_request.hpp>
#include <coauth/testing/response.hpp>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>

namespace coauth::testing
{

// The scripted responses and the received requests. All functions may be called from any thread.
class request_log
{
public:
    explicit request_log(std::size_t max_requests) : max_requests_(max_requests) {}

    void push(response scripted);
    void set(response scripted);
    void clear();

    // Stores the request, and returns the response that is scripted for it, if any.
    std::optional<response> record(received_request const& request);
    void count_connection();
    void set_server_name(std::string name);

    std::vector<received_request> requests() const;
    std::string server_name() const;
    std::size_t connections() const;

    bool wait_for_connections(std::size_t count, std::chrono::milliseconds limit) const;
    bool wait_for_requests(std::size_t count, std::chrono::milliseconds limit) const;

    std::atomic<std::size_t> handshakes = 0;
    std::atomic<std::size_t> resumed = 0;
    std::atomic<std::size_t> bytes_received = 0;
    std::atomic<std::size_t> bytes_sent = 0;

private:
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::deque<response> queued_;
    std::vector<response> permanent_;
    std::size_t const max_requests_;
    std::deque<received_request> requests_;
    std::size_t received_count_ = 0;
    std::string server_name_;
    std::size_t connection_count_ = 0;
};

} // namespace coauth::testing

#endif
