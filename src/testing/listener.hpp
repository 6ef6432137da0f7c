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

// Accepts connections at one port, and hands each over.
class listener
{
public:
    using taker = std::function<void(boost::asio::ip::tcp::socket)>;

    // Throws boost::system::system_error when address and port cannot be had. 0: any free port.
    listener(
        boost::asio::io_context& context, std::string const& address, std::uint16_t port,
        taker take);

    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    void accept();

private:
    void accept_later();

    boost::asio::ip::tcp::acceptor acceptor_;
    boost::asio::steady_timer pause_;
    taker take_;
};

} // namespace coauth::testing

#endif
