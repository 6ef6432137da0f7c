#ifndef COAUTH_SRC_NET_CONNECTION_HPP
#define COAUTH_SRC_NET_CONNECTION_HPP

#include <coauth/client_config.hpp>

#include "net/byte_stream.hpp"
#include "net/http_response_parser.hpp"
#include "values/http_response.hpp"

#include <chrono>
#include <memory>
#include <span>
#include <string>

namespace coauth::net
{

// The server of a connection, and the limits of its responses. Shared by all connections of a
// client.
struct target : stream_target
{
    response_limits limits;
    // Keep every header field, not only those needed to understand the response.
    bool all_headers = false;
};

struct exchange_outcome
{
    http_response response;
    // Taken before the first byte of the request was written.
    std::chrono::system_clock::time_point sent;
    std::chrono::steady_clock::time_point sent_steady;
    std::chrono::steady_clock::time_point received_steady;
};

// HTTP/1.1 on a stream: one request and its response at a time.
class connection
{
public:
    connection(
        boost::asio::any_io_executor const& executor, std::shared_ptr<target const> const& target);
    ~connection();
    connection(connection const&) = delete;
    connection& operator=(connection const&) = delete;

    // `op` must outlive the call.
    task<result<void>> open(operation_context& op) { return stream_.connect(op); }

    // One request, one response. Then `reusable()` says whether another may follow. `request` must
    // outlive the call, and its resumption if there is one. `others_run`: other requests are in
    // flight, whose handlers may have their turn before the response is read.
    task<result<exchange_outcome>>
    exchange(std::string_view request, operation_context& op, bool others_run = false);
    // Whether the last exchange failed only because it was interrupted before any byte of the
    // response arrived.
    [[nodiscard]] bool is_silent() const { return is_silent_; }
    // Continues a silent exchange. The operation may be another.
    task<result<exchange_outcome>> resume_exchange(operation_context& op);

    [[nodiscard]] bool reusable() const { return reusable_; }
    // Whether the last exchange failed before any byte of a response, as on a connection that the
    // server has closed while it was idle.
    [[nodiscard]] bool closed_before_response() const { return closed_before_response_; }
    [[nodiscard]] unsigned requests() const { return requests_; }
    [[nodiscard]] std::chrono::steady_clock::time_point created() const { return created_; }
    // When the last exchange began.
    [[nodiscard]] std::chrono::steady_clock::time_point sent() const { return sent_steady_; }
    // When the last exchange succeeded.
    [[nodiscard]] std::chrono::steady_clock::time_point last_used() const { return last_used_; }
    [[nodiscard]] std::string peer() const { return stream_.peer(); }

    [[nodiscard]] bool has_pending_data() { return stream_.has_pending_data(); }
    [[nodiscard]] bool uses_current_tls(
        tls_source::clock::duration max_age, std::chrono::steady_clock::time_point now) const
    {
        return stream_.uses_current_tls(max_age, now);
    }
    [[nodiscard]] bool resumed() const { return stream_.resumed(); }

private:
    using error_code = boost::system::error_code;
    using wait_kind = byte_stream::wait_kind;

    // Each goes as far as it can without waiting.
    wait_kind receive(error_code& ec);
    wait_kind send_and_receive(operation_context& op, error_code& ec);
    // Continues after a wait.
    wait_kind advance(wait_kind waited, std::size_t size, operation_context& op, error_code& ec);
    result<exchange_outcome> finish(operation_context& op, error_code ec);
    // Reads what the server sent before the request. `input`: there is no more; `writable`: there
    // may be more after other handlers had their turn; `nothing`: the connection is unusable.
    wait_kind read_unsolicited(error_code& ec);
    // Reads what arrived while other handlers had their turn.
    void read_early(error_code& ec);
    // Empty if the wait is for something else.
    std::span<char> input_buffer(wait_kind kind);
    void on_input(error_code& ec, std::size_t size);

    error fail_unsolicited(operation_context& op, error_code ec);
    error fail_request(operation_context& op, error_code ec);
    error fail_response(operation_context& op, error_code ec);

    byte_stream stream_;
    http_response_parser parser_;
    std::chrono::steady_clock::time_point const created_ = std::chrono::steady_clock::now();
    // What is still to be sent.
    std::string_view request_;
    std::chrono::system_clock::time_point sent_;
    std::chrono::steady_clock::time_point sent_steady_;
    std::chrono::steady_clock::time_point last_used_;
    http_response_parser::state response_state_ = http_response_parser::state::more;
    // Whether any byte arrived during this exchange, be it a part of a TLS record.
    bool saw_input_ = false;
    // Whether the peer ended the stream with a close_notify.
    bool saw_close_notify_ = false;
    unsigned requests_ = 0;
    bool reusable_ = false;
    bool closed_before_response_ = false;
    bool is_silent_ = false;
    // Other handlers have their turn before the response is read.
    bool takes_turn_ = false;
    // So many requests do it no more, because their responses were not there after it.
    int without_turn_ = 0;
    int late_responses_ = 0;
};

} // namespace coauth::net

#endif
