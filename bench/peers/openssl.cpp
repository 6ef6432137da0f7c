// OpenSSL on nonblocking sockets and nothing else: the minimum cost of a token. The request is
// serialised once, and the response is searched, not parsed.

#include "common.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <deque>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace
{

[[noreturn]] void fail(char const* what)
{
    std::array<char, 256> text{};
    ERR_error_string_n(ERR_get_error(), text.data(), text.size());
    throw std::runtime_error(std::string(what) + ": " + text.data());
}

struct shared_state
{
    SSL_CTX* context;
    int epoll;
    bench::options const& opts;
    sockaddr_in server;
    std::string request;
    std::vector<SSL_SESSION*> tickets;
};

std::string serialise(bench::options const& opts)
{
    std::string const body = bench::form;
    return "POST " + opts.path + " HTTP/1.1\r\nHost: " + opts.host + ":" + opts.port +
           "\r\nUser-Agent: bench\r\nAccept: application/json\r\nAuthorization: " +
           bench::authorization + "\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
           (opts.mode == bench::connections::keep_alive ? "" : "Connection: close\r\n") +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

sockaddr_in address(bench::options const& opts)
{
    sockaddr_in found{};
    found.sin_family = AF_INET;
    found.sin_port = htons(static_cast<std::uint16_t>(std::stoul(opts.port)));
    if (inet_pton(AF_INET, opts.host.c_str(), &found.sin_addr) != 1)
        throw std::invalid_argument("the endpoint's host is not an IPv4 address");
    return found;
}

// The text between two markers.
std::string_view between(std::string_view text, std::string_view from, std::string_view to)
{
    auto const begin = text.find(from);
    if (begin == text.npos)
        return {};
    auto const end = text.find(to, begin + from.size());
    return text.substr(begin + from.size(), end - begin - from.size());
}

class connection
{
public:
    explicit connection(shared_state& shared) : shared_(shared) {}
    connection(connection const&) = delete;
    ~connection() { close(); }

    // False: there is no further request.
    bool begin(bench::load& load)
    {
        if (!load.next())
            return false;
        began_ = bench::clock::now();
        size_ = 0;
        if (ssl_ == nullptr)
            open();
        else
            state_ = state::writing;
        return true;
    }

    // Continues as far as the socket allows. True: the response is complete.
    bool drive(bench::load& load)
    {
        if (state_ == state::connecting)
        {
            if (int const did = SSL_do_handshake(ssl_); did != 1)
                return wait(did);
            state_ = state::writing;
        }
        if (state_ == state::writing)
        {
            auto const size = static_cast<int>(shared_.request.size());
            if (int const did = SSL_write(ssl_, shared_.request.data(), size); did <= 0)
                return wait(did);
            state_ = state::reading;
            // The socket becomes readable when the response arrives.
            return false;
        }
        while (!complete())
        {
            auto const space = static_cast<int>(response_.size() - size_);
            int const did = SSL_read(ssl_, response_.data() + size_, space);
            if (did <= 0)
                return wait(did);
            size_ += static_cast<std::size_t>(did);
        }
        finish(load);
        return true;
    }

private:
    enum class state
    {
        connecting,
        writing,
        reading,
    };

    void open()
    {
        socket_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        int const on = 1;
        setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        auto const* const server = reinterpret_cast<sockaddr const*>(&shared_.server);
        if (connect(socket_, server, sizeof shared_.server) != 0 && errno != EINPROGRESS)
            throw std::runtime_error("no connection");
        ssl_ = SSL_new(shared_.context);
        SSL_set_fd(ssl_, socket_);
        SSL_set_connect_state(ssl_);
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), shared_.opts.host.c_str());
        offer_ticket();
        state_ = state::connecting;
        epoll_event event{};
        event.events = EPOLLIN | EPOLLOUT | EPOLLET;
        event.data.ptr = this;
        epoll_ctl(shared_.epoll, EPOLL_CTL_ADD, socket_, &event);
    }

    void offer_ticket()
    {
        if (shared_.tickets.empty())
            return;
        SSL_set_session(ssl_, shared_.tickets.back());
        SSL_SESSION_free(shared_.tickets.back());
        shared_.tickets.pop_back();
    }

    bool wait(int did)
    {
        int const reason = SSL_get_error(ssl_, did);
        if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE)
            fail("TLS");
        return false;
    }

    [[nodiscard]] std::string_view response() const { return {response_.data(), size_}; }

    [[nodiscard]] bool complete() const
    {
        auto const head = response().find("\r\n\r\n");
        if (head == std::string_view::npos)
            return false;
        auto const text = between(response().substr(0, head + 2), "Content-Length: ", "\r\n");
        std::size_t length = 0;
        std::from_chars(text.data(), text.data() + text.size(), length);
        return length != 0 && size_ >= head + 4 + length;
    }

    void finish(bench::load& load)
    {
        if (!response().starts_with("HTTP/1.1 200"))
            throw std::runtime_error("the server refused");
        std::string const token(between(response(), "\"access_token\":\"", "\""));
        bench::check(token, between(response(), "\"token_type\":\"", "\""));
        if (shared_.opts.mode != bench::connections::keep_alive)
            close();
        load.done(began_);
    }

    // Without this OpenSSL would not resume the session, since no close_notify was sent.
    void close()
    {
        if (ssl_ == nullptr)
            return;
        SSL_set_quiet_shutdown(ssl_, 1);
        SSL_shutdown(ssl_);
        SSL_free(ssl_);
        ssl_ = nullptr;
        ::close(socket_);
    }

    shared_state& shared_;
    SSL* ssl_ = nullptr;
    int socket_ = -1;
    state state_ = state::connecting;
    bench::clock::time_point began_;
    std::array<char, 4096> response_;
    std::size_t size_ = 0;
};

// Starts requests until one has to wait for the socket. False: there are none left.
bool advance(connection& with, bench::load& load)
{
    while (with.begin(load))
        if (!with.drive(load))
            return true;
    return false;
}

void run(shared_state& shared, std::deque<connection>& connections, bench::load& load)
{
    std::size_t running = 0;
    for (auto& with : connections)
        running += advance(with, load);
    std::array<epoll_event, 128> events;
    while (running != 0)
    {
        int const ready =
            epoll_wait(shared.epoll, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < ready; ++i)
        {
            auto& with = *static_cast<connection*>(events[static_cast<std::size_t>(i)].data.ptr);
            if (with.drive(load))
                running -= !advance(with, load);
        }
    }
}

void keep_tickets(shared_state& shared)
{
    constexpr std::size_t most = 1024;
    SSL_CTX_set_session_cache_mode(
        shared.context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_app_data(shared.context, &shared);
    SSL_CTX_sess_set_new_cb(
        shared.context,
        [](SSL* from, SSL_SESSION* ticket)
        {
            auto& tickets =
                static_cast<shared_state*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(from)))->tickets;
            if (tickets.size() == most)
                return 0;
            tickets.push_back(ticket);
            return 1;
        });
}

SSL_CTX* make_context(bench::options const& opts)
{
    SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    // One system call for a record instead of two.
    SSL_CTX_set_read_ahead(context, 1);
    if (SSL_CTX_load_verify_file(context, opts.ca_file.c_str()) != 1)
        fail("--ca-file");
    if (opts.system_trust && SSL_CTX_set_default_verify_paths(context) != 1)
        fail("the system's certificates");
    return context;
}

} // namespace

int main(int argc, char** argv)
{
    return bench::report_failure(
        [&]
        {
            auto const opts = bench::parse(argc, argv);
            shared_state shared{make_context(opts),
                                epoll_create1(EPOLL_CLOEXEC),
                                opts,
                                address(opts),
                                serialise(opts),
                                {}};
            if (opts.mode == bench::connections::resumed)
                keep_tickets(shared);
            std::deque<connection> connections;
            for (std::size_t i = 0; i < opts.in_flight; ++i)
                connections.emplace_back(shared);
            bench::measure(
                "openssl", opts, [&](bench::load& load) { run(shared, connections, load); });
        });
}
