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

// What a connection works with; outlives it.
struct environment
{
    server_options const& options;
    request_log& log;
    server_state& server;
    // Null: plain HTTP.
    boost::asio::ssl::context* tls;
};

// Serves the connection until it ends, on its executor, which runs one handler at a time.
void serve(boost::asio::ip::tcp::socket socket, environment const& env);

} // namespace coauth::testing

#endif
