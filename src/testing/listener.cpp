#include "testing/listener.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>

#include <chrono>
#include <utility>

namespace coauth::testing
{

using tcp = boost::asio::ip::tcp;

listener::listener(
    boost::asio::io_context& context, std::string const& address, std::uint16_t port, taker take)
    : acceptor_(context)
    , pause_(context)
    , take_(std::move(take))
{
    tcp::endpoint const where(boost::asio::ip::make_address(address), port);
    acceptor_.open(where.protocol());
    acceptor_.set_option(tcp::acceptor::reuse_address(true));
    acceptor_.bind(where);
    acceptor_.listen();
}

void listener::accept()
{
    acceptor_.async_accept(
        [this](boost::system::error_code ec, tcp::socket socket)
        {
            // It is gone.
            if (ec == boost::asio::error::operation_aborted)
                return;
            if (ec)
                return accept_later();
            accept();
            take_(std::move(socket));
        });
}

// Out of file descriptors, most likely.
void listener::accept_later()
{
    pause_.expires_after(std::chrono::milliseconds(10));
    pause_.async_wait(
        [this](boost::system::error_code ec)
        {
            if (!ec)
                accept();
        });
}

} // namespace coauth::testing
