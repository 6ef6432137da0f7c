#ifndef COAUTH_SRC_TESTING_TLS_SERVER_HPP
#define COAUTH_SRC_TESTING_TLS_SERVER_HPP

#include <coauth/testing/server_options.hpp>

#include "testing/server_certificate.hpp"

#include <boost/asio/ssl/context.hpp>

namespace coauth::testing
{

// Makes the TLS context of a server with this certificate. It requests client certificates if
// `requests_certificates`. Throws std::runtime_error if the options are not possible.
boost::asio::ssl::context make_tls_server(
    server_certificate const& certificate, server_options const& options,
    bool requests_certificates);

// Makes all existing sessions invalid. Call it on the thread that runs the connections.
void rotate_session_keys(boost::asio::ssl::context& server);

} // namespace coauth::testing

#endif
