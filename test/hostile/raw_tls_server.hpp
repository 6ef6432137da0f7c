#ifndef COAUTH_TEST_HOSTILE_RAW_TLS_SERVER_HPP
#define COAUTH_TEST_HOSTILE_RAW_TLS_SERVER_HPP

#include <openssl/ssl.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>

namespace test
{

// One connection of the server, for its script. Its functions block.
class raw_connection
{
public:
    raw_connection(SSL_CTX& context, int socket);
    ~raw_connection();
    raw_connection(raw_connection const&) = delete;
    raw_connection& operator=(raw_connection const&) = delete;

    // The limit of each read and write; five seconds by default.
    void set_timeout(std::chrono::milliseconds limit) const;

    // These return false on failure.
    bool handshake();
    bool read_request();
    bool write(std::string_view bytes);

    // Whether the peer has closed the connection, below TLS.
    [[nodiscard]] bool peer_closed() const;
    // Discards the received bytes. False: the peer has closed.
    [[nodiscard]] bool discard_input() const;
    // Writes bytes below TLS.
    bool write_raw(std::string_view bytes) const;
    // Resets the connection; nothing can be sent after that.
    void reset();

    // Shuts down sending and waits until the peer has closed: a close with unread bytes would be a
    // reset, which would discard an alert.
    void shut_down();

    [[nodiscard]] SSL* tls() const { return tls_.get(); }
    // Number of request bytes, counted above TLS.
    [[nodiscard]] std::size_t received() const { return received_; }

private:
    std::unique_ptr<SSL, decltype(&SSL_free)> tls_;
    int socket_;
    std::size_t received_ = 0;
};

// A TLS server on the loopback whose misbehaviour is scripted. It serves one connection after the
// other on a thread of its own.
class raw_tls_server
{
public:
    using settings = std::function<void(SSL_CTX&)>;
    using script = std::function<void(raw_connection&)>;

    // Its security level is 0 unless `apply` changes it.
    raw_tls_server(settings const& apply, script serve);
    ~raw_tls_server();
    raw_tls_server(raw_tls_server const&) = delete;
    raw_tls_server& operator=(raw_tls_server const&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }

    // Accepts no further connection and waits until the last script has ended: the counters do not
    // change after that.
    void finish();
    [[nodiscard]] std::size_t connections() const { return connections_; }
    [[nodiscard]] std::size_t handshakes() const { return handshakes_; }
    [[nodiscard]] std::size_t resumed() const { return resumed_; }
    [[nodiscard]] std::size_t bytes_received() const { return bytes_received_; }

private:
    void run();
    void serve(int socket);

    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
    script script_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<std::size_t> connections_ = 0;
    std::atomic<std::size_t> handshakes_ = 0;
    std::atomic<std::size_t> resumed_ = 0;
    std::atomic<std::size_t> bytes_received_ = 0;
    std::mutex mutex_;
    // The socket of the connection being served, or -1.
    int current_ = -1;
    std::thread thread_;
};

} // namespace test

#endif
