#ifndef COAUTH_SRC_TOKEN_STORE_REDIS_PIPELINE_HPP
#define COAUTH_SRC_TOKEN_STORE_REDIS_PIPELINE_HPP

#include "net/byte_stream.hpp"
#include "token_store/redis_back_off.hpp"
#include "token_store/redis_command.hpp"
#include "token_store/redis_reply.hpp"
#include "token_store/redis_server.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace coauth::redis
{

// Commands that are sent together, and whoever waits for their replies. One of the two functions is
// called, unless the request is dropped before.
class pipelined_request
{
public:
    virtual ~pipelined_request() = default;
    virtual void on_replies(std::vector<reply> replies) = 0;
    virtual void on_failure(error const& failure) = 0;

    redis::commands commands;
};

// The connection to one server: opened when there is a request, and again when it has broken.
// Requests are sent without waiting for the replies to those before.
//
// All functions but `resume_later` must be called on the strand that it runs on. While no request
// is running it has no outstanding work.
class pipeline final : public net::resumable, public std::enable_shared_from_this<pipeline>
{
public:
    using clock = std::chrono::steady_clock;

    pipeline(
        boost::asio::any_io_executor strand, std::shared_ptr<server_settings const> settings,
        std::string const& host, std::uint16_t port);
    ~pipeline();
    pipeline(pipeline const&) = delete;
    pipeline& operator=(pipeline const&) = delete;

    void send(std::shared_ptr<pipelined_request> const& request);
    // Nobody waits for it any more. Its replies, if it was sent, are discarded.
    void drop(pipelined_request const& request) noexcept;
    // What is sent from now on goes over a new connection.
    void replace_connection() noexcept { is_stale_ = true; }
    // Fails all requests.
    void close() noexcept;
    // Destroys the requests, before the context destroys its services.
    void on_context_shutdown() noexcept;

    // "host:port".
    [[nodiscard]] std::string const& peer() const noexcept { return peer_; }
    [[nodiscard]] std::string const& host() const noexcept { return target_->host; }
    // Whether the user may run scripts. Unknown, and thus true, on a new connection.
    [[nodiscard]] bool has_scripts() const noexcept { return has_scripts_; }
    void forbid_scripts() noexcept { has_scripts_ = false; }

private:
    using error_code = boost::system::error_code;
    using wait_kind = net::byte_stream::wait_kind;
    // Final, because the base has no virtual destructor.
    class stream final : public net::byte_stream
    {
    public:
        using byte_stream::byte_stream;
    };

    // A request whose replies are still to come.
    struct sent_request
    {
        // Null: it was dropped.
        std::shared_ptr<pipelined_request> request;
        unsigned expected = 0;
        clock::time_point sent;
        std::vector<reply> replies;
    };
    // From a request while there was none until there is none any more.
    struct run_state
    {
        net::operation_context op{{}, net::phase_timer(nullptr, clock::now()), {}, {}};
        net::task<bool> task;
    };
    class greeting_request;

    // net::resumable.
    void resume() override;
    void resume_later() noexcept override;
    void start_run();
    void step(std::coroutine_handle<> where);

    net::task<bool> run();
    net::task<result<void>> open();
    // Sends and receives until no request waits for replies.
    net::task<result<void>> exchange();
    // Goes as far as it can without waiting. `nothing`: the exchange has ended.
    wait_kind advance(error_code& ec);
    void fill_output();
    wait_kind write(error_code& ec);
    wait_kind read(error_code& ec);
    void on_bytes(std::string_view bytes);
    void on_reply(reply received);
    // Reads what has come while nobody waited. False: the connection is unusable.
    [[nodiscard]] bool is_reusable();
    [[nodiscard]] bool is_silent(clock::time_point now) const noexcept;
    [[nodiscard]] bool waits_for_replies() const noexcept;

    void start_connect_timer(std::chrono::milliseconds limit);
    void on_connect_timer(std::chrono::milliseconds limit);
    void on_broken(error const& failure);
    void disconnect() noexcept;
    void fail_all(error const& failure);
    void fail_sent(error const& failure);

    boost::asio::any_io_executor const strand_;
    std::shared_ptr<server_settings const> const settings_;
    std::shared_ptr<net::stream_target const> const target_;
    std::string const peer_;
    boost::asio::steady_timer connect_timer_;

    std::deque<std::shared_ptr<pipelined_request>> queue_;
    // Sent before those of the queue, which wait. Empty: there is none.
    std::shared_ptr<pipelined_request> greeting_;
    std::deque<sent_request> sent_;
    std::optional<stream> stream_;
    std::optional<reply_reader> reader_;
    std::array<char, std::size_t(16) * 1024> input_{};
    secret output_;
    std::size_t written_ = 0;
    // Of this connection: a reply has come.
    bool was_useful_ = false;
    bool is_connecting_ = false;
    bool is_stale_ = false;
    bool has_scripts_ = true;
    clock::time_point last_input_;
    unsigned fork_generation_ = 0;
    // Set while bytes are read: what made the connection unusable.
    std::optional<error> protocol_failure_;

    back_off back_off_;
    std::optional<error> last_failure_;
    bool is_closed_ = false;
    std::atomic<bool> context_is_gone_{false};
    // There was no memory to resume.
    std::atomic<bool> resumption_failed_{false};
    // Last, because its frame uses all other members.
    std::unique_ptr<run_state> run_;
};

} // namespace coauth::redis

#endif
