#include "testing/listener.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>

#include <chrono>
#include <utility>

namespace coauth::testing
{

using tcp = boost::asio::ip::tcp;

listener::listener(
    boost::asio::io_context& context, std::string const& address, std::uint16_t port,
    connection_handler on_connection)
    : acceptor_(context)
    , retry_timer_(context)
    , on_connection_(std::move(on_connection))
{
    tcp::endpoint const endpoint(boost::asio::ip::make_address(address), port);
    acceptor_.open(endpoint.protocol());
    acceptor_.set_option(tcp::acceptor::reuse_address(true));
    acceptor_.bind(endpoint);
    acceptor_.listen();
}

void listener::accept()
{
    acceptor_.async_accept(
        [this](boost::system::error_code ec, tcp::socket socket)
        {
            // The listener no longer exists.
            if (ec == boost::asio::error::operation_aborted)
                return;
            if (ec)
                return accept_later();
            accept();
            on_connection_(std::move(socket));
        });
}

// The process probably has no free file descriptor.
void listener::accept_later()
{
    retry_timer_.expires_after(std::chrono::milliseconds(10));
    retry_timer_.async_wait(
        [this](boost::system::error_code ec)
        {
            if (!ec)
                accept();
        });
}

} // namespace coauth::testing
