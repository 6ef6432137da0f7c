// Data that arrive before a request, after a response or in place of one. They are never used as a
// response, and a request that the server may have read is not repeated.

#include "resource_meter.hpp"
#include "tls_peer.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <functional>

using namespace test;

BOOST_AUTO_TEST_SUITE(unsolicited_data)

namespace
{

constexpr int both_versions[] = {tls_1_2, tls_1_3};

// Without tickets, so that the test controls each record after the handshake.
raw_tls_server::settings without_tickets(issued_certificate const& certificate, int version)
{
    return [&certificate, version](SSL_CTX& context)
    {
        tls_settings(certificate, version)(context);
        check(SSL_CTX_set_num_tickets(&context, 0) == 1);
    };
}

coauth::client_config one_attempt(raw_tls_server const& server, issued_certificate const& trusted)
{
    auto config = config_for(server, trusted);
    config.retry.max_attempts = 1;
    return config;
}

std::string response_with(std::string const& token, std::size_t padding = 0)
{
    return http_response(
        R"({"access_token":")" + token + R"(","token_type":"Bearer"})" + std::string(padding, ' '));
}

// Encrypts the bytes, and returns the records without sending them.
std::string records(raw_connection& peer, std::string_view bytes)
{
    BIO* const output = SSL_get_wbio(peer.tls());
    BIO_up_ref(output);
    BIO* const buffer = BIO_new(BIO_s_mem());
    SSL_set0_wbio(peer.tls(), buffer);
    check(peer.write(bytes));
    char* data = nullptr;
    auto const size = BIO_get_mem_data(buffer, &data);
    std::string result(data, static_cast<std::size_t>(size));
    SSL_set0_wbio(peer.tls(), output);
    return result;
}

// Makes calls in turn, each from the handler of the one before.
std::vector<token_result> get_tokens(coauth::client_config const& config, std::size_t calls)
{
    std::vector<token_result> got;
    boost::asio::io_context context;
    coauth::client client(context.get_executor(), config);
    std::function<void()> const next = [&]
    {
        client.async_get_access_token(
            coauth::token_request(),
            [&](token_result r)
            {
                got.push_back(std::move(r));
                if (got.size() < calls)
                    next();
            });
    };
    next();
    context.run();
    return got;
}

std::string value_of(token_result const& got)
{
    return got ? std::string(got->value()) : outcome(got);
}

// The first connection runs `script`; the others serve valid responses.
raw_tls_server::script first_connection(raw_tls_server::script script)
{
    return [script = std::move(script), count = 0](raw_connection& peer) mutable
    {
        if (!peer.handshake())
            return;
        if (++count == 1)
            return script(peer);
        while (peer.read_request() && peer.write(response_with("right")))
        {
        }
    };
}

int fill_ticket(SSL* tls, void*)
{
    static std::string const filling(std::size_t(32) * 1024, 't');
    return SSL_SESSION_set1_ticket_appdata(SSL_get_session(tls), filling.data(), filling.size());
}

SSL_TICKET_RETURN
ignore_ticket(SSL*, SSL_SESSION*, unsigned char const*, std::size_t, SSL_TICKET_STATUS, void*)
{
    return SSL_TICKET_RETURN_IGNORE_RENEW;
}

raw_tls_server::settings
with_large_tickets(issued_certificate const& certificate, std::size_t count)
{
    return [&certificate, count](SSL_CTX& context)
    {
        tls_settings(certificate, tls_1_3)(context);
        check(SSL_CTX_set_num_tickets(&context, count) == 1);
        check(SSL_CTX_set_session_ticket_cb(&context, fill_ticket, ignore_ticket, nullptr) == 1);
    };
}

} // namespace

BOOST_AUTO_TEST_CASE(a_response_before_the_request_is_never_used)
{
    issued_certificate const certificate;
    for (int const version : both_versions)
        for (bool const whole : {true, false})
            BOOST_TEST_CONTEXT("TLS " << version << (whole ? "" : ", its first byte"))
            {
                auto const early = response_with("early").substr(0, whole ? std::string::npos : 1);
                raw_tls_server server(
                    without_tickets(certificate, version),
                    first_connection(
                        [&](raw_connection& peer)
                        {
                            peer.write(early);
                            if (peer.read_request())
                                peer.write(response_with("first"));
                            if (peer.read_request())
                                peer.write(response_with("second"));
                        }));
                auto config = one_attempt(server, certificate);
                config.observer = std::make_shared<delaying_observer>();
                auto const got = get_tokens(config, 2);
                BOOST_TEST(value_of(got[0]) == "malformed_http");
                BOOST_TEST(value_of(got[1]) == "right");
                server.finish();
                BOOST_TEST(server.connections() == 2U);
            }
}

// The client handles the key updates in several turns of the event loop.
BOOST_AUTO_TEST_CASE(a_response_after_many_key_updates_and_before_the_request_is_never_used)
{
    issued_certificate const certificate;
    raw_tls_server server(
        without_tickets(certificate, tls_1_3),
        first_connection(
            [](raw_connection& peer)
            {
                bool going = true;
                for (int i = 0; going && i < 100; ++i)
                    going = update_key(peer);
                if (going && peer.write(response_with("early")))
                    (void)peer.read_request();
            }));
    auto config = one_attempt(server, certificate);
    config.observer = std::make_shared<delaying_observer>();
    auto const got = get_tokens(config, 2);
    BOOST_TEST(value_of(got[0]) == "malformed_http");
    BOOST_TEST(value_of(got[1]) == "right");
}

// One read returns the end of the first response, and the records after it remain in the socket.
BOOST_AUTO_TEST_CASE(a_second_response_directly_after_the_first_is_never_used)
{
    constexpr std::size_t one_read = std::size_t(8) * 1024;
    issued_certificate const certificate;
    for (int const version : both_versions)
        BOOST_TEST_CONTEXT("TLS " << version)
        {
            raw_tls_server server(
                without_tickets(certificate, version),
                first_connection(
                    [&](raw_connection& peer)
                    {
                        auto const plain = response_with("first");
                        auto const sealed = peer.read_request() ? records(peer, plain) : "";
                        if (!peer.write_raw(sealed) || !peer.read_request())
                            return;
                        auto const record_overhead = sealed.size() - plain.size();
                        std::size_t padding = 0;
                        while (response_with("second", padding).size() + record_overhead < one_read)
                            ++padding;
                        auto records_of_both = records(peer, response_with("second", padding));
                        records_of_both += records(peer, response_with("foreign"));
                        peer.write_raw(records_of_both);
                    }));
            auto const got = get_tokens(one_attempt(server, certificate), 3);
            BOOST_TEST(value_of(got[0]) == "first");
            BOOST_TEST(value_of(got[1]) == "second");
            BOOST_TEST(value_of(got[2]) == "right");
            server.finish();
            BOOST_TEST(server.connections() == 2U);
        }
}

// The server has read the request, so that a repetition could obtain a second token.
BOOST_AUTO_TEST_CASE(a_request_is_not_repeated_after_a_partial_or_invalid_record)
{
    issued_certificate const certificate;
    std::string const header("\x17\x03\x03\x00\x40", 5);
    std::pair<std::string, char const*> const rows[] = {
        {header.substr(0, 3), "connection_lost"},
        {header, "connection_lost"},
        {header + std::string(10, 'x'), "connection_lost"},
        {header + std::string(0x40, 'x'), "tls_failed"},
    };
    for (int const version : both_versions)
        for (auto const& [bytes, expected] : rows)
            BOOST_TEST_CONTEXT("TLS " << version << ", " << bytes.size() << " bytes")
            {
                std::atomic<int> requests = 0;
                raw_tls_server server(
                    without_tickets(certificate, version),
                    first_connection(
                        [&](raw_connection& peer)
                        {
                            requests += peer.read_request() ? 1 : 0;
                            peer.write(response_with("first"));
                            requests += peer.read_request() ? 1 : 0;
                            peer.write_raw(bytes);
                        }));
                auto const got = get_tokens(one_attempt(server, certificate), 2);
                BOOST_TEST(value_of(got[0]) == "first");
                BOOST_TEST(value_of(got[1]) == expected);
                server.finish();
                BOOST_TEST(requests == 2);
                BOOST_TEST(server.connections() == 1U);
            }
}

BOOST_AUTO_TEST_CASE(endless_tickets_in_place_of_a_response_are_abandoned)
{
    issued_certificate const certificate;
    raw_tls_server server(
        with_large_tickets(certificate, 0), first_connection(
                                                [](raw_connection& peer)
                                                {
                                                    bool more = peer.read_request();
                                                    while (more)
                                                        more = send_ticket(peer);
                                                }));
    resource_meter const meter;
    auto const got = get_tokens(one_attempt(server, certificate), 1);
    BOOST_TEST(value_of(got[0]) == "response_too_large");
    BOOST_TEST(meter.bytes() > mib);
    BOOST_TEST(meter.bytes() < 3 * mib);
    BOOST_TEST(meter.memory() < mib);
}

BOOST_AUTO_TEST_CASE(large_tickets_take_bounded_memory)
{
    constexpr std::size_t calls = 10;
    issued_certificate const certificate;
    raw_tls_server server(
        with_large_tickets(certificate, 16),
        [](raw_connection& peer)
        {
            if (peer.handshake() && peer.read_request())
                peer.write(response_with("right"));
        });
    auto config = one_attempt(server, certificate);
    config.connections.idle_timeout = 0ms;
    resource_meter const meter;
    for (auto const& got : get_tokens(config, calls))
        BOOST_TEST(value_of(got) == "right");
    BOOST_TEST(meter.bytes() > calls * mib / 2);
    BOOST_TEST(meter.memory() < mib);
}

BOOST_AUTO_TEST_SUITE_END()
