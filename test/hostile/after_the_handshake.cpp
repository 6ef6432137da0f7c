// TLS messages after the handshake: renegotiation, key updates and session tickets, once, often and
// without end.

#include "resource_meter.hpp"
#include "sealed_records.hpp"
#include "tls_peer.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <optional>
#include <set>

using namespace test;

BOOST_AUTO_TEST_SUITE(after_the_handshake)

namespace
{

// More than the limits of header and body together.
constexpr std::size_t most_bytes = std::size_t(1024 + 64) * 1024 + 2 * mib;

bool repeat(std::size_t count, bool (*what)(raw_connection&), raw_connection& peer)
{
    for (std::size_t i = 0; i < count; ++i)
        if (!what(peer))
            return false;
    return true;
}

// Sends half of the response, calls `between`, and sends the rest. False: one of these failed.
bool response_in_halves(raw_connection& peer, std::function<bool()> const& between)
{
    auto const whole = http_response(token_body);
    auto const half = whole.size() / 2;
    return peer.write(whole.substr(0, half)) && between() && peer.write(whole.substr(half));
}

raw_tls_server::script
respond_with_interruption(std::function<bool(raw_connection&)> const& between)
{
    return [=](raw_connection& peer)
    {
        if (peer.handshake() && peer.read_request())
            response_in_halves(peer, [&] { return between(peer); });
    };
}

token_result get_token(coauth::client& client, boost::asio::io_context& context)
{
    std::optional<token_result> got;
    client.async_get_access_token(
        coauth::token_request(), [&](token_result r) { got = std::move(r); });
    context.restart();
    context.run();
    BOOST_REQUIRE(got);
    return *got;
}

// Makes one request and checks its outcome, its duration and the memory that it takes.
void check_ends(
    coauth::client_config config, std::chrono::milliseconds timeout,
    std::set<std::string> const& outcomes)
{
    config.timeout = timeout;
    stopwatch const watch;
    resource_meter const meter;
    auto const got = fetch(config);
    BOOST_TEST(outcomes.contains(outcome(got)), outcome(got));
    BOOST_TEST(watch.elapsed() < timeout + 1s);
    BOOST_TEST(meter.memory() < 4 * mib);
    BOOST_TEST(meter.bytes() < most_bytes);
    if (got)
        BOOST_TEST(got->value() == "tok.en-1");
    check_no_secret(got, "tok.en-1");
}

// Makes one request to a flooding server and checks how much of the flood one turn of the event
// loop handles.
void check_turns(coauth::client_config config, bool after_request)
{
    config.timeout = 1s;
    config.retry.max_attempts = 1;
    config.observer = std::make_shared<delaying_observer>();
    boost::asio::io_context context;
    coauth::client client(context.get_executor(), config);
    std::optional<token_result> got;
    client.async_get_access_token(
        coauth::token_request(), [&](token_result r) { got = std::move(r); });
    std::size_t bytes = 0;
    std::size_t most_sends = 0;
    std::size_t most_read = 0;
    for (bool more = true; more;)
    {
        resource_meter const turn;
        more = context.run_one() != 0;
        bytes += turn.bytes();
        most_sends = std::max(most_sends, turn.sends());
        most_read = std::max(most_read, turn.bytes());
    }
    BOOST_REQUIRE(got);
    BOOST_TEST(
        (outcome(*got) == "timeout" || outcome(*got) == "response_too_large"), outcome(*got));
    // Otherwise the flood did not reach the client.
    BOOST_TEST(bytes > 10'000U);
    // Data that arrive before the request are read up to eight times in one turn.
    BOOST_TEST(most_sends <= (after_request ? 1U : 8U) * 16U + 2U);
    BOOST_TEST(most_read <= 72U * 1024);
}

constexpr std::size_t size_of_ticket = std::size_t(32) * 1024;

int add_to_ticket(SSL* tls, void*)
{
    static std::string const filling(size_of_ticket, 't');
    return SSL_SESSION_set1_ticket_appdata(SSL_get_session(tls), filling.data(), filling.size());
}

SSL_TICKET_RETURN accept_ticket(
    SSL*, SSL_SESSION*, unsigned char const*, std::size_t, SSL_TICKET_STATUS status, void*)
{
    bool const good = status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW;
    return good ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_IGNORE_RENEW;
}

raw_tls_server::settings
with_large_tickets(issued_certificate const& certificate, std::size_t count)
{
    return [&certificate, count](SSL_CTX& context)
    {
        tls_settings(certificate, tls_1_3)(context);
        check(SSL_CTX_set_num_tickets(&context, count) == 1);
        check(SSL_CTX_set_session_ticket_cb(&context, add_to_ticket, accept_ticket, nullptr) == 1);
    };
}

raw_tls_server::settings with_known_keys(issued_certificate const& certificate, int version)
{
    return [&certificate, version](SSL_CTX& context)
    {
        tls_settings(certificate, version)(context);
        sealed_records::prepare(context);
    };
}

// A record that is repeated.
struct flood
{
    char const* name;
    char kind;
    std::string content;
    std::size_t padding = 0;
    // The content of the first record, if another.
    std::string first_content = {};
};

// Sends the records in place of a response, until the client closes.
raw_tls_server::script flood_with(flood const& what)
{
    return [&what](raw_connection& peer)
    {
        if (!peer.handshake() || !peer.read_request())
            return;
        sealed_records records(*peer.tls());
        bool going = what.first_content.empty() ||
                     peer.write_raw(records.seal(what.kind, what.first_content));
        while (going)
        {
            std::string records_to_send;
            while (records_to_send.size() < 16384)
                records_to_send += records.seal(what.kind, what.content, what.padding);
            going = peer.write_raw(records_to_send);
        }
    };
}

} // namespace

BOOST_AUTO_TEST_CASE(renegotiation_requests_are_declined)
{
    issued_certificate const certificate;
    std::pair<char const*, raw_tls_server::script> const rows[] = {
        {"before the response",
         [](raw_connection& peer)
         {
             if (peer.handshake() && peer.read_request() && request_renegotiation(peer))
                 peer.write(http_response(token_body));
         }},
        {"in the middle of the response", respond_with_interruption(request_renegotiation)},
        {"a hundred times",
         respond_with_interruption([](raw_connection& peer)
                                   { return repeat(100, request_renegotiation, peer); })},
    };
    for (auto const& [name, script] : rows)
        BOOST_TEST_CONTEXT(name)
        {
            raw_tls_server server(tls_settings(certificate, tls_1_2), script);
            check_ends(config_for(server, certificate, "localhost"), 5s, {"success"});
            server.finish();
            BOOST_TEST(server.connections() == 1U);
        }

    // The client declines. A server that insists ends the connection.
    raw_tls_server server(
        tls_settings(certificate, tls_1_2),
        respond_with_interruption([](raw_connection& peer)
                                  { return request_renegotiation(peer) && peer.read_request(); }));
    check_ends(config_for(server, certificate, "localhost"), 3s, {"tls_failed"});
    server.finish();
    BOOST_TEST(server.connections() == 1U);
}

// The client updates its own key too: the next request is encrypted with it.
BOOST_AUTO_TEST_CASE(key_updates_are_followed)
{
    issued_certificate const certificate;
    for (std::size_t const count : {1U, 2000U})
        BOOST_TEST_CONTEXT(count)
        {
            raw_tls_server server(
                tls_settings(certificate, tls_1_3),
                [&](raw_connection& peer)
                {
                    auto const update = [&] { return repeat(count, update_key, peer); };
                    if (peer.handshake())
                        while (peer.read_request() && response_in_halves(peer, update))
                        {
                        }
                });
            resource_meter const meter;
            {
                boost::asio::io_context context;
                coauth::client client(
                    context.get_executor(), config_for(server, certificate, "localhost"));
                for (int i = 0; i < 3; ++i)
                    BOOST_TEST(require_token(get_token(client, context)).value() == "tok.en-1");
            }
            BOOST_TEST(meter.memory() < 4 * mib);
            server.finish();
            BOOST_TEST(server.connections() == 1U);
        }
}

BOOST_AUTO_TEST_CASE(a_flood_of_key_updates_ends_in_time)
{
    issued_certificate const certificate;
    struct row
    {
        char const* name;
        std::size_t count;
        std::chrono::milliseconds timeout;
        std::set<std::string> outcomes;
    };
    // Enough to fill the socket buffers of both directions.
    for (auto const& row : {
             row{"many", 30'000, 2s, {"success", "timeout"}},
             row{"without end", std::size_t(-1), 1s, {"timeout", "response_too_large"}},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            raw_tls_server server(
                tls_settings(certificate, tls_1_3),
                respond_with_interruption([&](raw_connection& peer)
                                          { return repeat(row.count, update_key, peer); }));
            check_ends(config_for(server, certificate, "localhost"), row.timeout, row.outcomes);
        }
}

// Other handlers of the event loop run after a bounded number of reads and writes.
BOOST_AUTO_TEST_CASE(a_flood_does_not_block_the_event_loop)
{
    issued_certificate const certificate;
    struct row
    {
        char const* name;
        int version;
        bool (*what)(raw_connection&);
        bool after_request;
    };
    for (auto const& row : {
             row{"key updates", tls_1_3, update_key, true},
             row{"key updates before the request", tls_1_3, update_key, false},
             row{"requests to renegotiate", tls_1_2, request_renegotiation, true},
             row{"requests to renegotiate before the request", tls_1_2, request_renegotiation,
                 false},
             row{"tickets before the request", tls_1_3, send_ticket, false},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            raw_tls_server const server(
                tls_settings(certificate, row.version), flood_of(row.what, row.after_request));
            check_turns(config_for(server, certificate), row.after_request);
        }
}

BOOST_AUTO_TEST_CASE(sixteen_tickets_of_32_kib_are_accepted)
{
    issued_certificate const certificate;
    raw_tls_server server(with_large_tickets(certificate, 16), serve_one_token);
    auto const config = config_for(server, certificate, "localhost");
    // Each resumed session brings one ticket.
    for (std::size_t const tickets : {16U, 1U, 1U})
    {
        resource_meter const meter;
        BOOST_TEST(require_token(fetch(config)).value() == "tok.en-1");
        BOOST_TEST(meter.bytes() > tickets * size_of_ticket);
        BOOST_TEST(meter.memory() < 4 * mib);
    }
    server.finish();
    BOOST_TEST(server.connections() == 3U);
    BOOST_TEST(server.resumed() == 2U);
}

// The client stops reading when the tickets exceed the size of any response.
BOOST_AUTO_TEST_CASE(a_flood_of_tickets_is_abandoned)
{
    issued_certificate const certificate;
    raw_tls_server before(with_large_tickets(certificate, 200), serve_one_token);
    check_ends(config_for(before, certificate), 5s, {"response_too_large"});
    raw_tls_server within(
        with_large_tickets(certificate, 0),
        respond_with_interruption([](raw_connection& peer)
                                  { return repeat(std::size_t(-1), send_ticket, peer); }));
    check_ends(config_for(within, certificate), 5s, {"response_too_large"});
}

// Shows that `sealed_records` makes valid records.
BOOST_AUTO_TEST_CASE(a_response_in_records_of_one_byte_is_read)
{
    issued_certificate const certificate;
    for (int const version : {tls_1_2, tls_1_3})
    {
        raw_tls_server server(
            with_known_keys(certificate, version),
            [](raw_connection& peer)
            {
                if (!peer.handshake() || !peer.read_request())
                    return;
                sealed_records records(*peer.tls());
                std::string output = records.seal(alert_record, "\x01\x5A");
                for (char const c : http_response(token_body))
                {
                    output += records.seal(data_record, {&c, 1});
                    output += records.seal(data_record, "");
                }
                peer.write_raw(output);
            });
        check_accepted(server, fetch(config_for(server, certificate)));
    }
}

BOOST_AUTO_TEST_CASE(floods_of_records_are_abandoned)
{
    issued_certificate const certificate;
    std::string const much(16000, 'x');
    std::string const ticket("\x04\xFF\xFF\xFF", 4);
    for (int const version : {tls_1_2, tls_1_3})
        for (auto const& row : {
                 flood{"warnings", alert_record, "\x01\x5A"},
                 {"empty records", data_record, ""},
                 {"empty handshake records", handshake_record, ""},
                 {"empty records with padding", data_record, "", version == tls_1_3 ? 16000U : 0U},
                 {"handshake message of 16 MiB", handshake_record, much, 0, ticket + much},
                 {"records of an unknown kind", 42, much},
             })
            BOOST_TEST_CONTEXT(row.name << ", TLS " << version)
            {
                raw_tls_server server(with_known_keys(certificate, version), flood_with(row));
                check_ends(config_for(server, certificate), 5s, {"tls_failed"});
                server.finish();
                BOOST_TEST(server.connections() == 1U);
            }
}

// Before its response to CONNECT, and within the handshake with the server.
BOOST_AUTO_TEST_CASE(floods_of_a_proxy_are_abandoned)
{
    issued_certificate const certificate;
    for (bool const consents : {false, true})
        for (auto* const what : {update_key, send_ticket})
            BOOST_TEST_CONTEXT("after the consent: " << consents)
            {
                raw_tls_server const proxy(
                    tls_settings(certificate, tls_1_3),
                    [&](raw_connection& peer)
                    {
                        bool going = peer.handshake() && peer.read_request() &&
                                     (!consents || peer.write("HTTP/1.1 200 OK\r\n\r\n"));
                        while (going)
                            going = what(peer) && peer.discard_input();
                    });
                auto config = config_for(proxy, certificate);
                config.proxy.url = "https://localhost:" + std::to_string(proxy.port());
                config.server.token_endpoint = "https://as.example/";
                config.retry.max_attempts = 1;
                check_ends(config, 5s, {consents ? "tls_failed" : "proxy_refused", "timeout"});
            }
}

BOOST_AUTO_TEST_SUITE_END()
