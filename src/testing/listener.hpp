#ifndef COAUTH_SRC_TESTING_LISTENER_HPP
#define COAUTH_SRC_TESTING_LISTENER_HPP

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace coauth::testing
{

// Accepts connections at one port, and calls a handler with each.
class listener
{
public:
    using connection_handler = std::function<void(boost::asio::ip::tcp::socket)>;

    // Port 0: any free port. Throws boost::system::system_error if it cannot listen.
    listener(
        boost::asio::io_context& context, std::string const& address, std::uint16_t port,
        connection_handler on_connection);

    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    void accept();

private:
    void accept_later();

    boost::asio::ip::tcp::acceptor acceptor_;
    boost::asio::steady_timer retry_timer_;
    connection_handler on_connection_;
};

} // namespace coauth::testing

#endif
