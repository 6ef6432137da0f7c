// What a server may go on with when TLS stands, beside a response: renegotiation, key updates and
// session tickets, once, in masses and without end.

#include "resource_meter.hpp"
#include "sealed_records.hpp"
#include "tls_peer.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <optional>
#include <set>

using namespace test;

namespace
{

// Beyond the limits of header and body.
constexpr std::size_t most_bytes = std::size_t(1024 + 64) * 1024 + 2 * mib;

bool repeat(std::size_t count, bool (*what)(raw_connection&), raw_connection& peer)
{
    for (std::size_t i = 0; i < count; ++i)
        if (!what(peer))
            return false;
    return true;
}

// The response, and what is done when half of it is sent. Whether all went well.
bool response_in_halves(raw_connection& peer, std::function<bool()> const& between)
{
    auto const whole = http_response(token_body);
    auto const half = whole.size() / 2;
    return peer.write(whole.substr(0, half)) && between() && peer.write(whole.substr(half));
}

raw_tls_server::script halving(std::function<bool(raw_connection&)> const& between)
{
    return [=](raw_connection& peer)
    {
        if (peer.shake_hands() && peer.read_request())
            response_in_halves(peer, [&] { return between(peer); });
    };
}

token_result ask(coauth::client& client, boost::asio::io_context& context)
{
    std::optional<token_result> got;
    client.async_get_access_token(
        coauth::token_request(), [&](token_result r) { got = std::move(r); });
    context.restart();
    context.run();
    BOOST_REQUIRE(got);
    return *got;
}

// One request; what it may end with, how long it may take and how much memory.
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

// One request that a storm meets: how much is done of it before others have their turn.
void check_turns(coauth::client_config config, bool asked)
{
    config.timeout = 1s;
    config.retry.max_attempts = 1;
    config.observer = std::make_shared<patience>();
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
    // Else the storm has passed by.
    BOOST_TEST(bytes > 10'000U);
    // What comes before the request is read up to eight times at once.
    BOOST_TEST(most_sends <= (asked ? 1U : 8U) * 16U + 2U);
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

raw_tls_server::settings with_large_tickets(issued_certificate const& shown, std::size_t count)
{
    return [&shown, count](SSL_CTX& context)
    {
        speaking(shown, tls_1_3)(context);
        check(SSL_CTX_set_num_tickets(&context, count) == 1);
        check(SSL_CTX_set_session_ticket_cb(&context, add_to_ticket, accept_ticket, nullptr) == 1);
    };
}

raw_tls_server::settings sealing(issued_certificate const& shown, int version)
{
    return [&shown, version](SSL_CTX& context)
    {
        speaking(shown, version)(context);
        sealed_records::prepare(context);
    };
}

// What a record holds that comes again and again.
struct flood
{
    char const* name;
    char kind;
    std::string content;
    std::size_t padding = 0;
    // What the first one begins with.
    std::string beginning = {};
};

// In place of a response, until the client leaves.
raw_tls_server::script flooding_with(flood const& what)
{
    return [&what](raw_connection& peer)
    {
        if (!peer.shake_hands() || !peer.read_request())
            return;
        sealed_records records(*peer.tls());
        bool going =
            what.beginning.empty() || peer.write_beneath(records.seal(what.kind, what.beginning));
        while (going)
        {
            std::string some;
            while (some.size() < 16384)
                some += records.seal(what.kind, what.content, what.padding);
            going = peer.write_beneath(some);
        }
    };
}

} // namespace

BOOST_AUTO_TEST_SUITE(after_the_handshake)

BOOST_AUTO_TEST_CASE(a_request_to_renegotiate_is_survived)
{
    issued_certificate const shown;
    std::pair<char const*, raw_tls_server::script> const rows[] = {
        {"before the response",
         [](raw_connection& peer)
         {
             if (peer.shake_hands() && peer.read_request() && ask_to_renegotiate(peer))
                 peer.write(http_response(token_body));
         }},
        {"in the middle of the response", halving(ask_to_renegotiate)},
        {"a hundred times",
         halving([](raw_connection& peer) { return repeat(100, ask_to_renegotiate, peer); })},
    };
    for (auto const& [name, script] : rows)
        BOOST_TEST_CONTEXT(name)
        {
            raw_tls_server server(speaking(shown, tls_1_2), script);
            check_ends(config_for(server, shown, "localhost"), 5s, {"success"});
            server.finish();
            BOOST_TEST(server.connections() == 1U);
        }

    // The client has declined, and it is for the server to break off.
    raw_tls_server server(
        speaking(shown, tls_1_2),
        halving([](raw_connection& peer)
                { return ask_to_renegotiate(peer) && peer.read_request(); }));
    check_ends(config_for(server, shown, "localhost"), 3s, {"tls_failed"});
    server.finish();
    BOOST_TEST(server.connections() == 1U);
}

// By the client's own, too: the next request is under its new key.
BOOST_AUTO_TEST_CASE(key_updates_are_followed)
{
    issued_certificate const shown;
    for (std::size_t const count : {1U, 2000U})
        BOOST_TEST_CONTEXT(count)
        {
            raw_tls_server server(
                speaking(shown, tls_1_3),
                [&](raw_connection& peer)
                {
                    auto const update = [&] { return repeat(count, update_key, peer); };
                    if (peer.shake_hands())
                        while (peer.read_request() && response_in_halves(peer, update))
                        {
                        }
                });
            resource_meter const meter;
            {
                boost::asio::io_context context;
                coauth::client client(
                    context.get_executor(), config_for(server, shown, "localhost"));
                for (int i = 0; i < 3; ++i)
                    BOOST_TEST(require_token(ask(client, context)).value() == "tok.en-1");
            }
            BOOST_TEST(meter.memory() < 4 * mib);
            server.finish();
            BOOST_TEST(server.connections() == 1U);
        }
}

BOOST_AUTO_TEST_CASE(a_storm_of_key_updates_ends)
{
    issued_certificate const shown;
    struct row
    {
        char const* name;
        std::size_t count;
        std::chrono::milliseconds timeout;
        std::set<std::string> outcomes;
    };
    // So many that either side may no longer be able to send, since the other does not receive.
    for (auto const& row : {
             row{"many", 30'000, 2s, {"success", "timeout"}},
             row{"without end", std::size_t(-1), 1s, {"timeout", "response_too_large"}},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            raw_tls_server server(
                speaking(shown, tls_1_3),
                halving([&](raw_connection& peer) { return repeat(row.count, update_key, peer); }));
            check_ends(config_for(server, shown, "localhost"), row.timeout, row.outcomes);
        }
}

// What else runs on the event loop has its turn after some responses, and some reads.
BOOST_AUTO_TEST_CASE(a_storm_does_not_hold_the_event_loop)
{
    issued_certificate const shown;
    struct row
    {
        char const* name;
        int version;
        bool (*what)(raw_connection&);
        bool asked;
    };
    for (auto const& row : {
             row{"key updates", tls_1_3, update_key, true},
             row{"key updates before the request", tls_1_3, update_key, false},
             row{"requests to renegotiate", tls_1_2, ask_to_renegotiate, true},
             row{"requests to renegotiate before the request", tls_1_2, ask_to_renegotiate, false},
             row{"tickets before the request", tls_1_3, give_ticket, false},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            raw_tls_server const server(
                speaking(shown, row.version), storm_of(row.what, row.asked));
            check_turns(config_for(server, shown), row.asked);
        }
}

BOOST_AUTO_TEST_CASE(sixteen_tickets_of_32_kib_are_taken)
{
    issued_certificate const shown;
    raw_tls_server server(with_large_tickets(shown, 16), response_one);
    auto const config = config_for(server, shown, "localhost");
    // One comes with each session that is resumed.
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

// No response is worth so many, and the client stops to read them.
BOOST_AUTO_TEST_CASE(tickets_in_masses_are_left)
{
    issued_certificate const shown;
    raw_tls_server before(with_large_tickets(shown, 200), response_one);
    check_ends(config_for(before, shown), 5s, {"response_too_large"});
    raw_tls_server within(
        with_large_tickets(shown, 0),
        halving([](raw_connection& peer) { return repeat(std::size_t(-1), give_ticket, peer); }));
    check_ends(config_for(within, shown), 5s, {"response_too_large"});
}

// The test's own records are such as the client understands.
BOOST_AUTO_TEST_CASE(an_response_in_records_of_ones_own_is_read)
{
    issued_certificate const shown;
    for (int const version : {tls_1_2, tls_1_3})
    {
        raw_tls_server server(
            sealing(shown, version),
            [](raw_connection& peer)
            {
                if (!peer.shake_hands() || !peer.read_request())
                    return;
                sealed_records records(*peer.tls());
                std::string said = records.seal(alert_record, "\x01\x5A");
                for (char const c : http_response(token_body))
                {
                    said += records.seal(data_record, {&c, 1});
                    said += records.seal(data_record, "");
                }
                peer.write_beneath(said);
            });
        check_accepted(server, fetch(config_for(server, shown)));
    }
}

BOOST_AUTO_TEST_CASE(floods_are_left)
{
    issued_certificate const shown;
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
                raw_tls_server server(sealing(shown, version), flooding_with(row));
                check_ends(config_for(server, shown), 5s, {"tls_failed"});
                server.finish();
                BOOST_TEST(server.connections() == 1U);
            }
}

BOOST_AUTO_TEST_SUITE_END()
