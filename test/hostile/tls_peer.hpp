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

// Ends the test case unless OpenSSL did it.
void check(bool ok);

// For a client of that server; every name is at this machine.
coauth::client_config config_for(
    raw_tls_server const& server, issued_certificate const& trusted,
    std::string const& host = "localhost");

// A server that shows this certificate and speaks this version alone; 0: any.
raw_tls_server::settings speaking(issued_certificate const& shown, int version = 0);

// Shakes hands, and responds to one request with a token.
void response_one(raw_connection& peer);

// What a server may go on with when TLS stands; whether it could. A request to renegotiate
// (HelloRequest) does not wait for what becomes of it, and a key update is to be responded.
bool ask_to_renegotiate(raw_connection& peer);
bool update_key(raw_connection& peer);
bool give_ticket(raw_connection& peer);
// One of these for ever, as fast as the client responds, once the request has come or before: what
// the client says is taken from the socket, and not read.
raw_tls_server::script storm_of(bool (*what)(raw_connection&), bool asked);

// Leaves what comes unasked the time to come.
struct patience : coauth::observer
{
    void on_connection_opened(coauth::connection_opened const&) override
    {
        std::this_thread::sleep_for(200ms);
    }
};

// The handshake did not come to its end, and no byte of HTTP was sent.
void check_refused(raw_tls_server& server, token_result const& got, std::string const& expected);
void check_accepted(raw_tls_server& server, token_result const& got);

// Shakes hands, but each flight of the server's goes through `send`, with its number from 0.
// False: one of these did not want to go on, or the client did not.
bool shake_hands_through(
    raw_connection& peer, std::function<bool(std::size_t, std::string)> const& send);

} // namespace test

#endif
