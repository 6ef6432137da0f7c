#include "scripted_proxy.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

namespace test
{

namespace asio = boost::asio;
using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;

struct scripted_proxy::tunnel
{
    explicit tunnel(tcp::socket from) : client(std::move(from)), server(client.get_executor()) {}

    tcp::socket client;
    tcp::socket server;
};

namespace
{

// Forwards bytes until one side ends, then shuts down both.
awaitable<void>
forward([[maybe_unused]] std::shared_ptr<void> owner, tcp::socket& from, tcp::socket& to)
{
    std::array<char, 4096> bytes;
    boost::system::error_code ended;
    while (!ended)
    {
        std::size_t const size = co_await from.async_read_some(
            asio::buffer(bytes), asio::redirect_error(use_awaitable, ended));
        if (!ended && to.is_open())
            co_await asio::async_write(
                to, asio::buffer(bytes, size), asio::redirect_error(use_awaitable, ended));
    }
    boost::system::error_code ignored;
    from.shutdown(tcp::socket::shutdown_both, ignored);
    to.shutdown(tcp::socket::shutdown_both, ignored);
}

} // namespace

scripted_proxy::scripted_proxy(proxy_script script)
    : script_(std::move(script))
    , acceptor_(context_, {asio::ip::address_v4::loopback(), 0})
{
    asio::co_spawn(context_, accept(), asio::detached);
    thread_ = std::thread([this] { context_.run(); });
}

scripted_proxy::~scripted_proxy()
{
    context_.stop();
    thread_.join();
}

std::string scripted_proxy::url() const
{
    return "http://127.0.0.1:" + std::to_string(port());
}

awaitable<void> scripted_proxy::accept()
{
    for (;;)
    {
        auto socket = co_await acceptor_.async_accept(use_awaitable);
        auto connection = std::make_shared<tunnel>(std::move(socket));
        // Called also if the connection fails.
        auto const on_end = [this](std::exception_ptr const&) { count(ended_); };
        asio::co_spawn(context_, serve(std::move(connection)), on_end);
    }
}

awaitable<void> scripted_proxy::serve(std::shared_ptr<tunnel> connection)
{
    connection->client.set_option(tcp::no_delay(true));
    std::string request;
    co_await asio::async_read_until(
        connection->client, asio::dynamic_buffer(request), "\r\n\r\n", use_awaitable);
    {
        std::lock_guard const lock(mutex_);
        last_request_ = std::move(request);
    }
    count(requests_);
    co_await response(connection);
    if (script_.close)
        co_return;
    if (script_.leads_to != 0)
    {
        tcp::endpoint const target(asio::ip::address_v4::loopback(), script_.leads_to);
        co_await connection->server.async_connect(target, use_awaitable);
        asio::co_spawn(
            context_, forward(connection, connection->server, connection->client), asio::detached);
    }
    co_await forward(connection, connection->client, connection->server);
}

awaitable<void> scripted_proxy::response(std::shared_ptr<tunnel> connection)
{
    asio::steady_timer timer(context_);
    std::size_t const piece = script_.piece == 0 ? script_.response.size() : script_.piece;
    for (std::size_t sent = 0; sent < script_.response.size(); sent += piece)
    {
        std::size_t const size = std::min(piece, script_.response.size() - sent);
        co_await asio::async_write(
            connection->client, asio::buffer(script_.response.data() + sent, size), use_awaitable);
        timer.expires_after(script_.pause);
        co_await timer.async_wait(use_awaitable);
    }
}

std::size_t scripted_proxy::requests() const
{
    std::lock_guard const lock(mutex_);
    return requests_;
}

std::string scripted_proxy::last_request() const
{
    std::lock_guard const lock(mutex_);
    return last_request_;
}

bool scripted_proxy::wait_for_requests(std::size_t count) const
{
    return wait(requests_, count);
}
bool scripted_proxy::wait_for_ended(std::size_t count) const
{
    return wait(ended_, count);
}

void scripted_proxy::count(std::size_t& what)
{
    std::lock_guard const lock(mutex_);
    ++what;
    changed_.notify_all();
}

bool scripted_proxy::wait(std::size_t const& what, std::size_t count) const
{
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return what >= count; });
}

} // namespace test
