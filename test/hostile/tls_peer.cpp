#include "tls_peer.hpp"

#include <boost/test/unit_test.hpp>

#include <stdexcept>

namespace test
{

void check(bool ok)
{
    if (!ok)
        throw std::runtime_error("an OpenSSL function failed");
}

coauth::client_config
config_for(raw_tls_server const& server, issued_certificate const& trusted, std::string const& host)
{
    coauth::client_config config;
    config.server.token_endpoint = "https://" + host + ":" + std::to_string(server.port()) + "/";
    config.authentication =
        coauth::client_authentication::client_secret_basic(client_id, client_secret);
    config.tls.ca_pem = trusted.ca_pem();
    config.connections.resolver = [](auto const&, std::uint16_t port, auto const& done)
    { done({}, {{"127.0.0.1", port}}); };
    return config;
}

raw_tls_server::settings tls_settings(issued_certificate const& certificate, int version)
{
    return [&certificate, version](SSL_CTX& context)
    {
        certificate.use(context);
        check(SSL_CTX_set_min_proto_version(&context, version) == 1);
        check(SSL_CTX_set_max_proto_version(&context, version) == 1);
    };
}

void serve_one_token(raw_connection& peer)
{
    if (peer.handshake() && peer.read_request())
        peer.write(http_response(token_body));
}

bool request_renegotiation(raw_connection& peer)
{
    return SSL_renegotiate(peer.tls()) == 1 && SSL_do_handshake(peer.tls()) == 1;
}

bool update_key(raw_connection& peer)
{
    return SSL_key_update(peer.tls(), SSL_KEY_UPDATE_REQUESTED) == 1 &&
           SSL_do_handshake(peer.tls()) == 1;
}

bool send_ticket(raw_connection& peer)
{
    return SSL_new_session_ticket(peer.tls()) == 1 && SSL_do_handshake(peer.tls()) == 1;
}

raw_tls_server::script flood_of(bool (*what)(raw_connection&), bool after_request)
{
    return [what, after_request](raw_connection& peer)
    {
        bool going = peer.handshake() && (!after_request || peer.read_request());
        while (going)
            going = what(peer) && peer.discard_input();
    };
}

void check_refused(raw_tls_server& server, token_result const& got, std::string const& expected)
{
    BOOST_TEST(outcome(got) == expected);
    check_no_secret(got);
    server.finish();
    BOOST_TEST(server.connections() == 1U);
    BOOST_TEST(server.handshakes() == 0U);
    BOOST_TEST(server.bytes_received() == 0U);
}

void check_accepted(raw_tls_server& server, token_result const& got)
{
    BOOST_TEST(require_token(got).value() == "tok.en-1");
    server.finish();
    BOOST_TEST(server.connections() == 1U);
    BOOST_TEST(server.handshakes() == 1U);
    BOOST_TEST(server.bytes_received() > 0U);
}

bool handshake_through(
    raw_connection& peer, std::function<bool(std::size_t, std::string)> const& send)
{
    BIO* const output = BIO_new(BIO_s_mem());
    SSL_set0_wbio(peer.tls(), output);
    // Does not wait for the client's flight.
    peer.set_timeout(std::chrono::milliseconds(20));
    for (std::size_t flights = 0; !peer.peer_closed();)
    {
        bool const done = peer.handshake();
        std::string flight(BIO_ctrl_pending(output), '\0');
        if (!flight.empty())
        {
            BIO_read(output, flight.data(), static_cast<int>(flight.size()));
            if (!send(flights++, std::move(flight)))
                return false;
        }
        if (done)
        {
            peer.set_timeout(std::chrono::seconds(5));
            return true;
        }
    }
    return false;
}

} // namespace test
