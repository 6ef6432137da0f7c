#ifndef COAUTH_SRC_TESTING_CONNECTION_HPP
#define COAUTH_SRC_TESTING_CONNECTION_HPP

#include <coauth/testing/server_options.hpp>

#include "testing/request_log.hpp"
#include "testing/server_state.hpp"

#include <boost/asio/ip/tcp.hpp>

namespace boost::asio::ssl
{
class context;
}

namespace coauth::testing
{

// The parts of the server that a connection uses. They outlive it.
struct connection_context
{
    server_options const& options;
    request_log& log;
    server_state& server;
    // Null: plain HTTP.
    boost::asio::ssl::context* tls;
};

// Serves the connection until it ends, on its executor, which runs one handler at a time.
void serve(boost::asio::ip::tcp::socket socket, connection_context const& context);

} // namespace coauth::testing

#endif
