#ifndef COAUTH_SRC_TESTING_CLOSE_SOCKET_HPP
#define COAUTH_SRC_TESTING_CLOSE_SOCKET_HPP

#include <boost/asio/ip/tcp.hpp>

#include <string>

namespace coauth::testing
{

// Keeps the connection open, and discards its input until the peer closes it. Without that, closing
// a socket with unread input would reset the connection.
void discard_input(boost::asio::ip::tcp::socket socket);

// Sends the text, then discards the input until the peer closes the connection.
void send_and_discard_input(boost::asio::ip::tcp::socket socket, std::string text);

// Sends a FIN, then discards the input until the peer closes the connection.
void close_gracefully(boost::asio::ip::tcp::socket& socket);

void reset(boost::asio::ip::tcp::socket& socket);

} // namespace coauth::testing

#endif
