// Faults in a TLS handshake: changed bytes, a lost connection, floods. No byte of HTTP is sent.

#include "resource_meter.hpp"
#include "tls_peer.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <vector>

using namespace test;

BOOST_AUTO_TEST_SUITE(handshakes)

namespace
{

std::string const warning("\x15\x03\x03\x00\x02\x01\x5A", 7);
std::string const empty_record("\x16\x03\x03\x00\x00", 5);

// The position of the last record of a flight.
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

// A position in the server's handshake messages.
struct handshake_position
{
    char const* name;
    // The number of the flight; in TLS 1.2 the Finished has a flight of its own.
    std::size_t (*flight)(int version);
    std::size_t (*offset)(std::string const& flight);
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

handshake_position const positions[] = {
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

// Sends the handshake up to this position, calls `fault` with the byte there, and sends the rest.
raw_tls_server::script with_fault(
    handshake_position const& position, int version,
    std::function<bool(raw_connection&, char&)> const& fault)
{
    return [=](raw_connection& peer)
    {
        handshake_through(
            peer,
            [&](std::size_t number, std::string flight)
            {
                if (number != position.flight(version))
                    return peer.write_raw(flight);
                auto const at = position.offset(flight);
                return peer.write_raw(flight.substr(0, at)) && fault(peer, flight[at]) &&
                       peer.write_raw(flight.substr(at));
            });
    };
}

void check_fault(
    char const* what, std::function<bool(raw_connection&, char&)> const& fault,
    std::vector<std::string> const& expected)
{
    issued_certificate const certificate;
    for (auto const& position : positions)
        for (int const version : {tls_1_2, tls_1_3})
            BOOST_TEST_CONTEXT(what << " at " << position.name << ", TLS " << version)
            {
                raw_tls_server server(
                    tls_settings(certificate, version), with_fault(position, version, fault));
                auto config = config_for(server, certificate);
                config.timeout = 3s;
                auto const got = outcome(fetch(config));
                BOOST_TEST(
                    (std::find(expected.begin(), expected.end(), got) != expected.end()), got);
                server.finish();
                BOOST_TEST(server.connections() == 1U);
                BOOST_TEST(server.bytes_received() == 0U);
            }
}

// Sends the bytes in place of a handshake, again and again until the client closes.
void check_flood(std::string const& bytes)
{
    issued_certificate const certificate;
    std::string block;
    while (block.size() < 16384)
        block += bytes;
    raw_tls_server server(
        tls_settings(certificate),
        [&](raw_connection& peer)
        {
            while (peer.write_raw(block))
            {
            }
        });
    resource_meter const meter;
    auto const got = fetch(config_for(server, certificate));
    BOOST_TEST_MESSAGE(
        outcome(got) << ", " << meter.memory() / 1024 << " KiB of memory, " << meter.bytes() / 1024
                     << " KiB from the wire");
    BOOST_TEST(meter.memory() < 4 * mib);
    BOOST_TEST(meter.bytes() < 2 * mib);
    check_refused(server, got, "tls_failed");
}

} // namespace

BOOST_AUTO_TEST_CASE(handshakes_without_a_fault_succeed)
{
    issued_certificate const certificate;
    for (int const version : {tls_1_2, tls_1_3})
    {
        raw_tls_server server(
            tls_settings(certificate, version),
            [](raw_connection& peer)
            {
                auto const send = [&](std::size_t, std::string const& flight)
                { return peer.write_raw(flight); };
                if (!handshake_through(peer, send) || !peer.read_request())
                    return;
                SSL_set_fd(peer.tls(), SSL_get_rfd(peer.tls()));
                peer.write(http_response(token_body));
            });
        check_accepted(server, fetch(config_for(server, certificate)));
    }
}

BOOST_AUTO_TEST_CASE(a_changed_bit_in_a_handshake_is_noticed)
{
    check_fault(
        "corrupted",
        [](raw_connection&, char& byte)
        {
            byte = static_cast<char>(byte ^ 0x10);
            return true;
        },
        // If a length grew, the client waits for the rest of the message.
        {"tls_failed", "certificate_verify_failed", "timeout"});
}

BOOST_AUTO_TEST_CASE(a_handshake_that_breaks_off_is_a_lost_connection)
{
    check_fault("closed", [](raw_connection&, char&) { return false; }, {"connection_lost"});
    check_fault(
        "reset",
        [](raw_connection& peer, char&)
        {
            peer.reset();
            return false;
        },
        {"connection_lost"});
}

BOOST_AUTO_TEST_CASE(a_flood_in_place_of_a_handshake_is_abandoned)
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
    for (auto const& [name, bytes] : rows)
        BOOST_TEST_CONTEXT(name)
    check_flood(bytes);
}

// After a good ServerHello, when the client expects a certificate.
BOOST_AUTO_TEST_CASE(a_handshake_message_of_16_mib_is_abandoned)
{
    issued_certificate const certificate;
    raw_tls_server server(
        tls_settings(certificate, tls_1_2),
        [](raw_connection& peer)
        {
            handshake_through(
                peer,
                [&](std::size_t, std::string const& flight)
                {
                    // The second record of the flight contains the certificate alone.
                    auto const byte = [&](std::size_t i)
                    { return static_cast<unsigned char>(flight[i]); };
                    auto const hello = 5U + byte(3) * 256U + byte(4);
                    std::string const length("\xFF\xFF\xFF", 3);
                    if (!peer.write_raw(
                            flight.substr(0, hello + 6) + length + flight.substr(hello + 9)))
                        return false;
                    std::string const filler =
                        std::string("\x16\x03\x03\x40\x00", 5) + std::string(16384, 'x');
                    while (peer.write_raw(filler))
                    {
                    }
                    return false;
                });
        });
    resource_meter const meter;
    auto const got = fetch(config_for(server, certificate));
    BOOST_TEST(meter.memory() < 4 * mib);
    BOOST_TEST(meter.bytes() < 2 * mib);
    check_refused(server, got, "tls_failed");
}

BOOST_AUTO_TEST_SUITE_END()
