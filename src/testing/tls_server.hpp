#ifndef COAUTH_SRC_TESTING_TLS_SERVER_HPP
#define COAUTH_SRC_TESTING_TLS_SERVER_HPP

#include <coauth/testing/server_options.hpp>

#include "testing/certificates.hpp"

#include <boost/asio/ssl/context.hpp>

namespace coauth::testing
{

// A server's side of TLS that shows `id`, and asks for the client's when it is to. Throws
// std::runtime_error when the options cannot be met.
boost::asio::ssl::context
make_tls_server(identity const& id, server_options const& options, bool asks_for_certificates);

// Refuses all sessions made so far. On the thread that runs the connections.
void rotate_session_keys(boost::asio::ssl::context& server);

} // namespace coauth::testing

#endif
