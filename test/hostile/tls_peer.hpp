#ifndef COAUTH_TEST_HOSTILE_TLS_PEER_HPP
#define COAUTH_TEST_HOSTILE_TLS_PEER_HPP

#include "fixture.hpp"
#include "issued_certificate.hpp"
#include "raw_tls_server.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <thread>

namespace test
{

inline constexpr std::size_t mib = std::size_t(1024) * 1024;
inline constexpr int tls_1_2 = TLS1_2_VERSION;
inline constexpr int tls_1_3 = TLS1_3_VERSION;

// Throws std::runtime_error if an OpenSSL function failed.
void check(bool ok);

// For a client of that server. Every host name resolves to the loopback address.
coauth::client_config config_for(
    raw_tls_server const& server, issued_certificate const& trusted,
    std::string const& host = "localhost");

// A server with this certificate and this TLS version alone; 0: any version.
raw_tls_server::settings tls_settings(issued_certificate const& certificate, int version = 0);

// Does the handshake and responds to one request with a token.
void serve_one_token(raw_connection& peer);

// Handshake messages that a server may send after the handshake; false: the connection is lost. A
// HelloRequest is sent without waiting for its outcome; a key update requests one of the client.
bool request_renegotiation(raw_connection& peer);
bool update_key(raw_connection& peer);
bool send_ticket(raw_connection& peer);
// Sends one of these for ever, as fast as the client responds, after the request or before it. The
// client's bytes are taken from the socket and not parsed.
raw_tls_server::script flood_of(bool (*what)(raw_connection&), bool after_request);

// Delays the request, so that unsolicited data arrive before it.
struct delaying_observer : coauth::observer
{
    void on_connection_opened(coauth::connection_opened const&) override
    {
        std::this_thread::sleep_for(200ms);
    }
};

// Checks that the handshake failed with this error before any byte of HTTP was sent.
void check_refused(raw_tls_server& server, token_result const& got, std::string const& expected);
// Checks that the client got the token in one connection.
void check_accepted(raw_tls_server& server, token_result const& got);

// Does the handshake, but passes each flight of the server, numbered from 0, to `send`. False: one
// of these calls returned false, or the client closed.
bool handshake_through(
    raw_connection& peer, std::function<bool(std::size_t, std::string)> const& send);

} // namespace test

#endif
