#ifndef COAUTH_SRC_NET_BYTE_STREAM_HPP
#define COAUTH_SRC_NET_BYTE_STREAM_HPP

#include <coauth/export.hpp>

#include "net/resolver.hpp"
#include "net/task.hpp"
#include "net/tls_engine.hpp"
#include "net/tls_source.hpp"
#include "net/wait.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace coauth::net
{

class tunnel_response;

// The peer of a stream and the way to it. Shared by all connections of a client.
struct stream_target
{
    // Null: no TLS.
    std::shared_ptr<tls_source> tls;
    std::string host;
    std::uint16_t port = 0;
    bool ip_literal = false;
    // The CONNECT request for an HTTP proxy; empty: no proxy.
    secret tunnel_request;
    // Null: no TLS to the proxy.
    std::shared_ptr<tls_source> proxy_tls;
    std::string proxy_host;
    std::uint16_t proxy_port = 0;
    bool proxy_ip_literal = false;
    // Of the server and the proxy, which have the same; null: neither speaks TLS.
    [[nodiscard]] tls_source* any_tls() const { return tls ? tls.get() : proxy_tls.get(); }

    std::chrono::milliseconds connection_attempt_delay{};
    std::shared_ptr<resolver> lookups;
};

// "host:port", an IPv6 address in brackets.
COAUTH_DECL std::string authority(std::string const& host, std::uint16_t port);

// A TCP connection, through a proxy if there is one, with TLS if the target says so: to the proxy,
// and within the tunnel to the server.
//
// Two interfaces share one core. Tasks call `connect`, `try_read` and `try_write`, and await
// `async_ready` between them. `async_read_some` and `async_write_some` meet Asio's AsyncReadStream
// and AsyncWriteStream. Either way, one operation at a time.
//
// It needs no strand: an abort, from any thread, only ends the present wait. After a failed or
// aborted operation the stream can only be closed.
//
// What is exported here and elsewhere in src, coauth::redis needs; it is no part of the interface.
class COAUTH_DECL byte_stream : public cancellable
{
public:
    using executor_type = boost::asio::any_io_executor;
    using error_code = boost::system::error_code;

    // What has to happen before an operation can continue.
    enum class wait_kind
    {
        nothing,
        input,
        writable,
        // Other handlers are called first.
        turn,
    };

    // While it lives, the stop state covers the stream: an abort ends the present wait, and no
    // other one starts. Not to be nested.
    class scope
    {
    public:
        scope(byte_stream& stream, stop_state& stop) : stream_(stream), registration_(stop, stream)
        {
            stream_.stop_ = &stop;
        }
        ~scope() { stream_.stop_ = nullptr; }
        scope(scope const&) = delete;
        scope& operator=(scope const&) = delete;

    private:
        byte_stream& stream_;
        stop_state::scope registration_;
    };

    byte_stream(executor_type const& executor, std::shared_ptr<stream_target const> target);
    ~byte_stream();
    byte_stream(byte_stream const&) = delete;
    byte_stream& operator=(byte_stream const&) = delete;

    // Resolves the name, connects, opens the proxy's tunnel, does the TLS handshake. `op` must
    // outlive the call.
    task<result<void>> connect(operation_context& op);
    // Without a close_notify and without waiting. No operation may be pending.
    void close() noexcept;
    // Ends the present wait with operation_aborted.
    void cancel() noexcept override;

    // Before each request of the protocol above. A server may request the client's certificate once
    // for each.
    void begin_request() noexcept;
    // Writes as much as the socket takes, and removes it from `bytes`.
    wait_kind try_write(std::string_view& bytes, error_code& ec);
    // Reads at least one byte, unless it has to wait. The end of the stream is eof if it is
    // authentic (close_notify, or no TLS), else stream_truncated.
    wait_kind try_read(std::span<char> buffer, std::size_t& size, error_code& ec);
    // Waits until `try_read` or `try_write` can continue. Call `on_input` after a wait for input,
    // and pass the same buffer to the next `try_read`.
    class begin_wait;
    wait_operation<begin_wait, error_code, std::size_t>
    async_ready(wait_kind kind, std::span<char> buffer, operation_context& op);
    void on_input(error_code& ec, std::size_t size);
    // Reads what the socket has now, in place of a wait; `on_input` follows. False: nothing. A size
    // of 0: the stream has ended.
    bool try_receive(std::span<char> buffer, std::size_t& size);

    // Whether the stream has, or may have, anything but TLS housekeeping: data, a part of a record,
    // its end, or an error. If so, it must not be reused. Does not wait.
    [[nodiscard]] bool has_pending_data();
    // Whether it was opened with the CAs, revocation lists and client certificate that are in force
    // now, or were at most `max_age` ago.
    [[nodiscard]] bool uses_current_tls(
        tls_source::clock::duration max_age = {},
        tls_source::clock::time_point now = tls_source::clock::now()) const;
    [[nodiscard]] bool resumed() const { return tls_ && tls_->resumed(); }
    [[nodiscard]] bool encrypted() const noexcept { return tls_ != nullptr; }
    [[nodiscard]] std::string peer() const { return authority(target_->host, target_->port); }

    // An error with what is known of the operation. An abort's reason replaces `code`.
    error fail(operation_context& op, errc code, std::string context, error_code cause) const;

    [[nodiscard]] executor_type get_executor() noexcept { return socket_.get_executor(); }

    // Asio's AsyncReadStream and AsyncWriteStream, with `void(error_code, std::size_t)`. They read
    // or write the first buffer that is not empty. Cancellation: terminal. Defined in
    // net/byte_stream_asio.hpp.
    template <class MutableBuffers, class Token>
    auto async_read_some(MutableBuffers const& buffers, Token&& token);
    template <class ConstBuffers, class Token>
    auto async_write_some(ConstBuffers const& buffers, Token&& token);

private:
    class transfer;
    class transfer_op;
    struct tunnel_exchange;

    result<void> load_tls_parameters();
    task<result<void>> lookup(operation_context& op, endpoints& found);
    task<result<void>> connect_socket(operation_context& op, endpoints const& found);
    task<result<void>> open_tunnel(operation_context& op);
    // Both may speak TLS.
    enum class tls_peer
    {
        proxy,
        server,
    };
    task<result<void>> handshake(operation_context& op, tls_peer with);
    // Sends the request, then reads what there is of the proxy's response.
    wait_kind exchange_tunnel(std::string_view& request, tunnel_exchange& received, error_code& ec);
    result<void> check_tunnel_response(
        operation_context& op, error_code ec, tunnel_response const& response) const;
    result<void> start_tls(operation_context& op, tls_peer with);
    wait_kind handshake_step();
    wait_kind try_write_plain(std::string_view& bytes, error_code& ec);
    static wait_kind wait_kind_of(tls_engine::step last);
    // Where the socket's bytes go: with TLS not to the reader's buffer.
    std::span<char> input_buffer(std::span<char> buffer);

    error fail_handshake(operation_context& op, tls_peer with, error_code ec) const;
    [[nodiscard]] std::string rejection(tls_peer with, long verify_result) const;
    [[nodiscard]] std::string name_of(tls_peer peer) const;
    [[nodiscard]] std::string proxy() const;
    [[nodiscard]] std::string next_hop() const;

    std::shared_ptr<stream_target const> target_;
    boost::asio::ip::tcp::socket socket_;
    tls_parameters tls_parameters_;
    std::unique_ptr<tls_engine> tls_;
    tls_engine::step last_step_ = tls_engine::step::done;
    // Without TLS: bytes in the reader's buffer that `try_read` has not returned yet.
    std::size_t plain_received_ = 0;
    bool plain_end_ = false;
    error_code connect_failure_;
    stop_state* stop_ = nullptr;
};

class COAUTH_DECL byte_stream::begin_wait
{
public:
    begin_wait(byte_stream& stream, wait_kind kind, std::span<char> buffer) noexcept
        : stream_(stream)
        , kind_(kind)
        , buffer_(buffer)
    {
    }
    void operator()(continuation<error_code, std::size_t> handler);

private:
    byte_stream& stream_;
    wait_kind kind_;
    std::span<char> buffer_;
};

inline wait_operation<byte_stream::begin_wait, boost::system::error_code, std::size_t>
byte_stream::async_ready(wait_kind kind, std::span<char> buffer, operation_context& op)
{
    return wait_for<error_code, std::size_t>(
        op, begin_wait(*this, kind, buffer), boost::asio::error::no_memory, 0);
}

} // namespace coauth::net

#endif
