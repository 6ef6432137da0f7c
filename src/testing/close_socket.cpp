#include "testing/close_socket.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <memory>
#include <utility>

namespace coauth::testing
{

namespace
{

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

class input_discarder : public std::enable_shared_from_this<input_discarder>
{
public:
    explicit input_discarder(tcp::socket socket) : socket_(std::move(socket)) {}

    void read()
    {
        socket_.async_read_some(
            asio::buffer(buffer_),
            [self = shared_from_this()](error_code ec, std::size_t)
            {
                if (!ec)
                    self->read();
            });
    }

    void write_and_read(std::string text)
    {
        text_ = std::move(text);
        asio::async_write(
            socket_, asio::buffer(text_),
            [self = shared_from_this()](error_code, std::size_t) { self->read(); });
    }

private:
    tcp::socket socket_;
    std::string text_;
    std::array<char, 4096> buffer_;
};

} // namespace

void discard_input(tcp::socket socket)
{
    std::make_shared<input_discarder>(std::move(socket))->read();
}

void send_and_discard_input(tcp::socket socket, std::string text)
{
    auto const discarder = std::make_shared<input_discarder>(std::move(socket));
    discarder->write_and_read(std::move(text));
}

void close_gracefully(tcp::socket& socket)
{
    error_code ignored;
    socket.shutdown(tcp::socket::shutdown_send, ignored);
    discard_input(std::move(socket));
}

void reset(tcp::socket& socket)
{
    error_code ignored;
    socket.set_option(asio::socket_base::linger(true, 0), ignored);
    socket.close(ignored);
}

} // namespace coauth::testing
