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

// One connection as the server's script sees it. It blocks.
class raw_connection
{
public:
    raw_connection(SSL_CTX& context, int socket);
    ~raw_connection();
    raw_connection(raw_connection const&) = delete;
    raw_connection& operator=(raw_connection const&) = delete;

    // How long anything may take; five seconds unless it is said.
    void set_patience(std::chrono::milliseconds limit) const;

    // These say whether it went well.
    bool shake_hands();
    bool read_request();
    bool write(std::string_view bytes);

    // Beneath TLS: whether the peer has closed.
    [[nodiscard]] bool left_alone() const;
    // Forgets what has come. False: the peer has closed.
    [[nodiscard]] bool drain() const;
    // Bytes of one's own.
    bool write_beneath(std::string_view bytes) const;
    // Resets it; nothing more can be said.
    void reset();

    // Says that nothing more is sent, and waits until the peer has closed: a close with unread
    // bytes would be a reset, and an alert would be lost with it.
    void end();

    [[nodiscard]] SSL* tls() const { return tls_.get(); }
    // Bytes of requests, as counted within TLS.
    [[nodiscard]] std::size_t received() const { return received_; }

private:
    std::unique_ptr<SSL, decltype(&SSL_free)> tls_;
    int socket_;
    std::size_t received_ = 0;
};

// A TLS server of this machine that does what coauth's own never would. One connection after the
// other, on a thread of its own.
class raw_tls_server
{
public:
    using settings = std::function<void(SSL_CTX&)>;
    using script = std::function<void(raw_connection&)>;

    // Nothing is too weak for it, unless `apply` says otherwise.
    raw_tls_server(settings const& apply, script serve);
    ~raw_tls_server();
    raw_tls_server(raw_tls_server const&) = delete;
    raw_tls_server& operator=(raw_tls_server const&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }

    // Takes no further connection, and waits until the last script has ended: what is counted does
    // not change any more.
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
    // The connection that is being served; -1: none is.
    int current_ = -1;
    std::thread thread_;
};

} // namespace test

#endif
