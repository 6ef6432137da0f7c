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

// Until one side is through; then nobody can say anything any more.
awaitable<void>
pass_on([[maybe_unused]] std::shared_ptr<void> owner, tcp::socket& from, tcp::socket& to)
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
    return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
}

awaitable<void> scripted_proxy::accept()
{
    for (;;)
    {
        auto socket = co_await acceptor_.async_accept(use_awaitable);
        auto one = std::make_shared<tunnel>(std::move(socket));
        // However it ends.
        auto const on_end = [this](std::exception_ptr const&) { count(over_); };
        asio::co_spawn(context_, serve(std::move(one)), on_end);
    }
}

awaitable<void> scripted_proxy::serve(std::shared_ptr<tunnel> one)
{
    one->client.set_option(tcp::no_delay(true));
    std::string request;
    co_await asio::async_read_until(
        one->client, asio::dynamic_buffer(request), "\r\n\r\n", use_awaitable);
    count(asked_);
    co_await response(one);
    if (script_.close)
        co_return;
    if (script_.leads_to != 0)
    {
        tcp::endpoint const there(asio::ip::address_v4::loopback(), script_.leads_to);
        co_await one->server.async_connect(there, use_awaitable);
        asio::co_spawn(context_, pass_on(one, one->server, one->client), asio::detached);
    }
    co_await pass_on(one, one->client, one->server);
}

awaitable<void> scripted_proxy::response(std::shared_ptr<tunnel> one)
{
    asio::steady_timer timer(context_);
    std::size_t const piece = script_.piece == 0 ? script_.response.size() : script_.piece;
    for (std::size_t sent = 0; sent < script_.response.size(); sent += piece)
    {
        std::size_t const size = std::min(piece, script_.response.size() - sent);
        co_await asio::async_write(
            one->client, asio::buffer(script_.response.data() + sent, size), use_awaitable);
        timer.expires_after(script_.pause);
        co_await timer.async_wait(use_awaitable);
    }
}

std::size_t scripted_proxy::asked() const
{
    std::lock_guard const lock(mutex_);
    return asked_;
}

bool scripted_proxy::wait_until_asked(std::size_t count) const
{
    return wait(asked_, count);
}
bool scripted_proxy::wait_until_over(std::size_t count) const
{
    return wait(over_, count);
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
