#include "raw_tls_server.hpp"

#include <openssl/err.h>

#include <array>
#include <charconv>
#include <csignal>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace test
{

namespace
{

void check(bool ok, char const* what)
{
    if (!ok)
        throw std::runtime_error(std::string("the raw TLS server does not start: ") + what);
}

template <class T>
bool set_option(int socket, int level, int name, T const& value)
{
    return ::setsockopt(socket, level, name, &value, sizeof value) == 0;
}

int listen_at_loopback()
{
    int const listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(listener >= 0, "socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    check(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "bind");
    check(::listen(listener, 16) == 0, "listen");
    return listener;
}

std::uint16_t port_of(int socket)
{
    sockaddr_in address{};
    socklen_t size = sizeof address;
    check(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0, "port");
    return ntohs(address.sin_port);
}

// The value of Content-Length, or 0.
std::size_t length_of_body(std::string_view header)
{
    constexpr std::string_view name = "Content-Length: ";
    auto const found = header.find(name);
    std::size_t length = 0;
    if (found != std::string_view::npos)
        std::from_chars(header.data() + found + name.size(), header.data() + header.size(), length);
    return length;
}

} // namespace

raw_connection::raw_connection(SSL_CTX& context, int socket)
    : tls_(SSL_new(&context), SSL_free)
    , socket_(socket)
{
    set_timeout(std::chrono::seconds(5));
    set_option(socket_, IPPROTO_TCP, TCP_NODELAY, 1);
    SSL_set_fd(tls_.get(), socket_);
}

raw_connection::~raw_connection()
{
    ERR_clear_error();
}

void raw_connection::set_timeout(std::chrono::milliseconds limit) const
{
    auto const ms = limit.count();
    timeval const time{ms / 1000, ms % 1000 * 1000};
    set_option(socket_, SOL_SOCKET, SO_RCVTIMEO, time);
    set_option(socket_, SOL_SOCKET, SO_SNDTIMEO, time);
}

bool raw_connection::handshake()
{
    return SSL_accept(tls_.get()) == 1;
}

bool raw_connection::read_request()
{
    std::string request;
    std::array<char, 4096> block;
    for (;;)
    {
        auto const header = request.find("\r\n\r\n");
        if (header != std::string::npos &&
            request.size() >= header + 4 + length_of_body(request.substr(0, header)))
            return true;
        std::size_t size = 0;
        if (SSL_read_ex(tls_.get(), block.data(), block.size(), &size) != 1)
            return false;
        received_ += size;
        request.append(block.data(), size);
    }
}

bool raw_connection::write(std::string_view bytes)
{
    std::size_t written = 0;
    return SSL_write_ex(tls_.get(), bytes.data(), bytes.size(), &written) == 1;
}

bool raw_connection::peer_closed() const
{
    pollfd waiting{socket_, POLLRDHUP, 0};
    return ::poll(&waiting, 1, 0) > 0;
}

bool raw_connection::discard_input() const
{
    std::array<char, 16 * 1024> buffer{};
    ssize_t got = 0;
    do
        got = ::recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    while (got > 0);
    return got < 0 && errno == EAGAIN;
}

bool raw_connection::write_raw(std::string_view bytes) const
{
    return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
}

// The descriptor stays open without a connection.
void raw_connection::reset()
{
    set_option(socket_, SOL_SOCKET, SO_LINGER, linger{1, 0});
    sockaddr none{};
    none.sa_family = AF_UNSPEC;
    ::connect(socket_, &none, sizeof none);
}

void raw_connection::shut_down()
{
    ::shutdown(socket_, SHUT_WR);
    std::array<char, 4096> block;
    while (::recv(socket_, block.data(), block.size(), 0) > 0)
    {
    }
}

raw_tls_server::raw_tls_server(settings const& apply, script serve)
    : context_(SSL_CTX_new(TLS_server_method()), SSL_CTX_free)
    , script_(std::move(serve))
{
    check(context_ != nullptr, "context");
    SSL_CTX_set_security_level(context_.get(), 0);
    apply(*context_);
    listener_ = listen_at_loopback();
    port_ = port_of(listener_);
    thread_ = std::thread([this] { run(); });
}

raw_tls_server::~raw_tls_server()
{
    {
        std::lock_guard const lock(mutex_);
        if (current_ >= 0)
            ::shutdown(current_, SHUT_RDWR);
    }
    finish();
    ::close(listener_);
}

void raw_tls_server::finish()
{
    // Wakes the thread that waits for a connection.
    ::shutdown(listener_, SHUT_RDWR);
    if (thread_.joinable())
        thread_.join();
}

void raw_tls_server::run()
{
    // A write of OpenSSL to a closed socket raises SIGPIPE.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    for (;;)
    {
        int const socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (socket < 0)
            return;
        {
            std::lock_guard const lock(mutex_);
            current_ = socket;
        }
        ++connections_;
        serve(socket);
        std::lock_guard const lock(mutex_);
        current_ = -1;
        ::close(socket);
    }
}

void raw_tls_server::serve(int socket)
{
    raw_connection peer(*context_, socket);
    script_(peer);
    peer.shut_down();
    bytes_received_ += peer.received();
    handshakes_ += SSL_is_init_finished(peer.tls()) == 1 ? 1U : 0U;
    resumed_ += SSL_session_reused(peer.tls()) == 1 ? 1U : 0U;
}

} // namespace test
