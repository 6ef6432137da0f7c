// A TLS handshake that goes wrong half-way: bytes of it changed, cut, held back, or something else
// without end in its place. No byte of HTTP is sent.

#include "resource_meter.hpp"
#include "tls_peer.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <vector>

using namespace test;

namespace
{

std::string const warning("\x15\x03\x03\x00\x02\x01\x5A", 7);
std::string const empty_record("\x16\x03\x03\x00\x00", 5);

// Where the last record of a flight begins.
std::size_t last_record(std::string const& flight)
{
    std::size_t last = 0;
    for (std::size_t at = 0; at + 5 <= flight.size();)
    {
        last = at;
        auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(flight[at + i]); };
        at += 5U + byte(3) * 256U + byte(4);
    }
    return last;
}

// A place in the server's side of the handshake.
struct place
{
    char const* name;
    // By version; TLS 1.2 has its Finished in a flight of its own.
    std::size_t (*flight)(int version);
    std::size_t (*position)(std::string const& flight);
};

std::size_t first_flight(int)
{
    return 0;
}
std::size_t flight_of_finished(int version)
{
    return version == tls_1_2 ? 1 : 0;
}

template <std::size_t position>
std::size_t at(std::string const&)
{
    return position;
}

place const places[] = {
    {"type of the ServerHello", first_flight, at<5>},
    {"length of the ServerHello", first_flight, at<8>},
    {"version of the ServerHello", first_flight, at<9>},
    {"random of the ServerHello", first_flight, at<20>},
    {"certificate", first_flight, [](std::string const& flight) { return flight.size() / 2; }},
    {"Finished", flight_of_finished,
     [](std::string const& flight) { return last_record(flight) + 8; }},
    {"last byte of the Finished", flight_of_finished,
     [](std::string const& flight) { return flight.size() - 1; }},
};

// Sends the handshake up to that place, does something there, and the rest of the flight.
raw_tls_server::script
disturbing(place const& where, int version, std::function<bool(raw_connection&, char&)> const& how)
{
    return [=](raw_connection& peer)
    {
        shake_hands_through(
            peer,
            [&](std::size_t number, std::string flight)
            {
                if (number != where.flight(version))
                    return peer.write_beneath(flight);
                auto const at = where.position(flight);
                return peer.write_beneath(flight.substr(0, at)) && how(peer, flight[at]) &&
                       peer.write_beneath(flight.substr(at));
            });
    };
}

void check_disturbed(
    char const* what, std::function<bool(raw_connection&, char&)> const& how,
    std::vector<std::string> const& expected)
{
    issued_certificate const shown;
    for (auto const& where : places)
        for (int const version : {tls_1_2, tls_1_3})
            BOOST_TEST_CONTEXT(what << " at " << where.name << ", TLS " << version)
            {
                raw_tls_server server(speaking(shown, version), disturbing(where, version, how));
                auto config = config_for(server, shown);
                config.timeout = 3s;
                auto const got = outcome(fetch(config));
                BOOST_TEST(
                    (std::find(expected.begin(), expected.end(), got) != expected.end()), got);
                server.finish();
                BOOST_TEST(server.connections() == 1U);
                BOOST_TEST(server.bytes_received() == 0U);
            }
}

// Something in place of the server's side, again and again until the client leaves.
void check_left(std::string const& said)
{
    issued_certificate const shown;
    std::string block;
    while (block.size() < 16384)
        block += said;
    raw_tls_server server(
        speaking(shown),
        [&](raw_connection& peer)
        {
            while (peer.write_beneath(block))
            {
            }
        });
    resource_meter const meter;
    auto const got = fetch(config_for(server, shown));
    BOOST_TEST_MESSAGE(
        outcome(got) << ", " << meter.memory() / 1024 << " KiB of memory, " << meter.bytes() / 1024
                     << " KiB from the wire");
    BOOST_TEST(meter.memory() < 4 * mib);
    BOOST_TEST(meter.bytes() < 2 * mib);
    check_refused(server, got, "tls_failed");
}

} // namespace

BOOST_AUTO_TEST_SUITE(handshakes)

BOOST_AUTO_TEST_CASE(undisturbed_ones_succeed)
{
    issued_certificate const shown;
    for (int const version : {tls_1_2, tls_1_3})
    {
        raw_tls_server server(
            speaking(shown, version),
            [](raw_connection& peer)
            {
                auto const send = [&](std::size_t, std::string const& flight)
                { return peer.write_beneath(flight); };
                if (!shake_hands_through(peer, send) || !peer.read_request())
                    return;
                SSL_set_fd(peer.tls(), SSL_get_rfd(peer.tls()));
                peer.write(http_response(token_body));
            });
        check_accepted(server, fetch(config_for(server, shown)));
    }
}

BOOST_AUTO_TEST_CASE(a_bit_that_is_another_is_noticed)
{
    check_disturbed(
        "corrupted",
        [](raw_connection&, char& byte)
        {
            byte = static_cast<char>(byte ^ 0x10);
            return true;
        },
        // Of a message that is longer now, the rest is waited for.
        {"tls_failed", "certificate_verify_failed", "timeout"});
}

BOOST_AUTO_TEST_CASE(one_that_breaks_off_is_a_lost_connection)
{
    check_disturbed("closed", [](raw_connection&, char&) { return false; }, {"connection_lost"});
    check_disturbed(
        "reset",
        [](raw_connection& peer, char&)
        {
            peer.reset();
            return false;
        },
        {"connection_lost"});
}

BOOST_AUTO_TEST_CASE(a_flood_in_its_place_is_left)
{
    std::string const record_header("\x16\x03\x03\x40\x00", 5);
    std::string const message_of_16_mib("\x02\xFF\xFF\xFF\x03\x03", 6);
    std::pair<char const*, std::string> const rows[] = {
        {"warning alerts", warning},
        {"empty records", empty_record},
        {"a warning and an empty record", warning + empty_record},
        {"ChangeCipherSpec", std::string("\x14\x03\x03\x00\x01\x01", 6)},
        {"HelloRequest", std::string("\x16\x03\x03\x00\x04\x00\x00\x00\x00", 9)},
        {"application data", std::string("\x17\x03\x03\x00\x01x", 6)},
        {"ServerHello of 16 MiB",
         record_header + message_of_16_mib + std::string(16384 - message_of_16_mib.size(), 'x')},
        {"certificate of 16 MiB",
         record_header + std::string("\x0B\xFF\xFF\xFF\xFF\xFF\xFC", 7) + std::string(16377, 'x')},
    };
    for (auto const& [name, said] : rows)
        BOOST_TEST_CONTEXT(name)
    check_left(said);
}

// With a good ServerHello first, so that the client has something to expect.
BOOST_AUTO_TEST_CASE(a_message_of_16_mib_is_left)
{
    issued_certificate const shown;
    raw_tls_server server(
        speaking(shown, tls_1_2),
        [](raw_connection& peer)
        {
            shake_hands_through(
                peer,
                [&](std::size_t, std::string const& flight)
                {
                    // The certificate has the second record of the flight to itself.
                    auto const byte = [&](std::size_t i)
                    { return static_cast<unsigned char>(flight[i]); };
                    auto const hello = 5U + byte(3) * 256U + byte(4);
                    std::string const length("\xFF\xFF\xFF", 3);
                    if (!peer.write_beneath(
                            flight.substr(0, hello + 6) + length + flight.substr(hello + 9)))
                        return false;
                    std::string const more =
                        std::string("\x16\x03\x03\x40\x00", 5) + std::string(16384, 'x');
                    while (peer.write_beneath(more))
                    {
                    }
                    return false;
                });
        });
    resource_meter const meter;
    auto const got = fetch(config_for(server, shown));
    BOOST_TEST(meter.memory() < 4 * mib);
    BOOST_TEST(meter.bytes() < 2 * mib);
    check_refused(server, got, "tls_failed");
}

BOOST_AUTO_TEST_SUITE_END()
