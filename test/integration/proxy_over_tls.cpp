// Through a proxy that speaks TLS itself: the server's TLS is within the proxy's.

#include "client_authentication.hpp"
#include "client_fixture.hpp"
#include "scripted_proxy.hpp"
#include "tls_front.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdlib>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(proxy_over_tls)

namespace
{

constexpr char const* consent = "HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n";

proxy_script leading_to(authorization_server const& server, std::string response = consent)
{
    proxy_script made;
    made.response = std::move(response);
    made.leads_to = server.port();
    return made;
}

// A proxy, and TLS in front of it.
struct tls_proxy
{
    explicit tls_proxy(proxy_script script, server_certificate kind = server_certificate::valid_rsa)
        : proxy(std::move(script))
        , front(proxy.port(), kind)
    {
    }

    scripted_proxy proxy;
    tls_front front;
};

coauth::client_config through(authorization_server const& server, tls_front const& front)
{
    auto config = single_attempt(server);
    config.proxy.url = front.url();
    config.tls.ca_pem = server.ca_pem() + front.ca_pem();
    return config;
}

bool says(token_result const& got, std::string_view part)
{
    return !got && got.error().message().find(part) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_tunnel_within_tls_leads_to_the_verified_server)
{
    auto const server = start();
    tls_proxy const between(leading_to(server));
    auto config = through(server, between.front);
    config.proxy.user = "me";
    config.proxy.password = coauth::secret("p4ssw0rd");
    client_fixture kept(config);
    // The second one over the same connection.
    for (std::size_t const requests : {1U, 2U})
    {
        BOOST_TEST(outcome(kept.fetch()) == "success");
        BOOST_TEST(server.requests().size() == requests);
    }
    BOOST_TEST(server.connections() == 1U);
    auto const handshakes = between.front.handshakes();
    BOOST_TEST_REQUIRE(handshakes.size() == 1U);
    BOOST_TEST(handshakes[0].name == "localhost");
    BOOST_TEST(between.proxy.requests() == 1U);
    auto const request = between.proxy.last_request();
    BOOST_TEST(request.starts_with("CONNECT "));
    BOOST_TEST(
        request.find("\r\nProxy-Authorization: Basic bWU6cDRzc3cwcmQ=\r\n") != std::string::npos);
    BOOST_TEST(!server.requests()[0].headers.find("Proxy-Authorization").has_value());
}

BOOST_AUTO_TEST_CASE(sessions_are_resumed_with_both)
{
    auto const server = start();
    tls_proxy const between(leading_to(server));
    auto config = through(server, between.front);
    config.connections.idle_timeout = 0ms;
    client_fixture kept(config);
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(kept.client.counters().sessions_resumed == 1U);
    auto const handshakes = between.front.handshakes();
    BOOST_TEST_REQUIRE(handshakes.size() == 2U);
    BOOST_TEST(!handshakes[0].resumed);
    BOOST_TEST(handshakes[1].resumed);
}

BOOST_AUTO_TEST_CASE(the_certificate_of_the_proxy_is_verified)
{
    struct row
    {
        server_certificate kind;
        bool trusted;
        char const* advice;
    };
    auto const server = start();
    for (auto const& row :
         {row{server_certificate::valid_rsa, false, "if the proxy uses a private CA"},
          row{server_certificate::wrong_alternative_name, true, "check the host in proxy.url"},
          row{server_certificate::not_yet_valid, true, "the proxy needs a current one"},
          row{server_certificate::self_signed, true, "if the proxy uses a private CA"}})
        BOOST_TEST_CONTEXT(row.advice)
        {
            tls_proxy const between(leading_to(server), row.kind);
            auto config = through(server, between.front);
            if (!row.trusted)
                config.tls.ca_pem = server.ca_pem();
            auto const got = fetch(config);
            BOOST_TEST(outcome(got) == "certificate_verify_failed");
            auto const name = between.front.url().substr(8);
            BOOST_TEST(
                says(got, "the certificate of the proxy " + name + " was rejected"), got.error());
            BOOST_TEST(says(got, row.advice), got.error());
            BOOST_TEST(between.proxy.requests() == 0U);
        }
    BOOST_TEST(server.connections() == 0U);
}

BOOST_AUTO_TEST_CASE(the_certificate_of_the_server_is_verified_too)
{
    auto wrong = options();
    wrong.certificate = coauth::testing::certificate::wrong_host;
    auto const server = start(wrong);
    tls_proxy const between(leading_to(server));
    auto config = through(server, between.front);
    auto const other = fetch(config);
    BOOST_TEST(outcome(other) == "certificate_verify_failed");
    BOOST_TEST(!says(other, "proxy"), other.error());
    config.tls.ca_pem = between.front.ca_pem();
    auto const untrusted = fetch(config);
    BOOST_TEST(outcome(untrusted) == "certificate_verify_failed");
    BOOST_TEST(says(untrusted, "if the server uses a private CA"), untrusted.error());
    BOOST_TEST(server.requests().empty());
}

// It would tell the proxy who the client is.
BOOST_AUTO_TEST_CASE(the_client_certificate_is_sent_to_the_server_only)
{
    auto const known = make_identity("client");
    auto chosen = options();
    chosen.client_certificates = coauth::testing::client_certificates::requested;
    auto const server = start(std::move(chosen));
    tls_proxy const between(leading_to(server));
    auto config = through(server, between.front);
    config.tls.certificate_pem = known.certificate_pem;
    config.tls.key_pem = coauth::secret(known.key.private_pem());
    BOOST_TEST(outcome(fetch(config)) == "success");
    BOOST_TEST_REQUIRE(between.front.handshakes().size() == 1U);
    BOOST_TEST(!between.front.handshakes()[0].showed_certificate);
    BOOST_TEST_REQUIRE(server.requests().size() == 1U);
    BOOST_TEST(server.requests()[0].client_certificate_thumbprint == known.thumbprint);
}

BOOST_AUTO_TEST_CASE(its_consent_may_come_in_any_number_of_records)
{
    auto const server = start();
    for (std::size_t const piece :
         {std::size_t(0), std::size_t(1), std::string(consent).size() - 2})
        BOOST_TEST_CONTEXT(piece)
        {
            auto script = leading_to(server);
            script.piece = piece;
            tls_proxy const between(script);
            BOOST_TEST(outcome(fetch(through(server, between.front))) == "success");
        }
}

// It would be taken for the server's.
BOOST_AUTO_TEST_CASE(bytes_after_the_response_of_a_proxy_are_refused)
{
    auto const server = start();
    for (std::string const& extra : std::vector<std::string>{
             "x", "\r\n", std::string("\x15\x03\x03\x00\x02\x01\x00", 7),
             http_response(token_body)})
        for (bool const later : {false, true})
            BOOST_TEST_CONTEXT(extra << (later ? ", later" : ""))
            {
                auto script = leading_to(server, consent + extra);
                script.piece = later ? std::string(consent).size() : 0;
                script.pause = later ? 20ms : 0ms;
                tls_proxy const between(script);
                auto const got = outcome(fetch(through(server, between.front)));
                bool const refused = later ? got == "tls_failed" || got == "connection_lost" ||
                                                 got == "proxy_refused"
                                           : got == "proxy_refused";
                BOOST_TEST(refused, got);
            }
    BOOST_TEST(server.requests().empty());
}

BOOST_AUTO_TEST_CASE(a_refusal_has_its_status)
{
    auto const server = start();
    tls_proxy const between(leading_to(server, "HTTP/1.1 407 No\r\nContent-Length: 3\r\n\r\nno!"));
    auto config = through(server, between.front);
    config.proxy.user = "me";
    config.proxy.password = coauth::secret("p4ssw0rd");
    auto const got = fetch(config);
    BOOST_TEST(outcome(got) == "proxy_refused");
    BOOST_TEST(got.error().http_status() == 407U);
    check_no_secret(got, "p4ssw0rd");
}

BOOST_AUTO_TEST_CASE(a_proxy_that_closes_early_is_a_lost_connection)
{
    auto const server = start();
    for (auto const& [response, part] : std::vector<std::pair<std::string, char const*>>{
             {"", "broke off during CONNECT"},
             {"HTTP/1.1 200 OK\r\n", "broke off during CONNECT"},
             {consent, "or the proxy localhost:"}})
        BOOST_TEST_CONTEXT(response)
        {
            auto script = leading_to(server, response);
            script.close = true;
            tls_proxy const between(script);
            auto const got = fetch(through(server, between.front));
            BOOST_TEST(outcome(got) == "connection_lost");
            BOOST_TEST(says(got, part), got.error());
            BOOST_TEST(got.error().transient());
        }
}

BOOST_AUTO_TEST_CASE(a_proxy_without_tls_is_reported_as_such)
{
    auto plain = options();
    plain.tls = false;
    auto const web = start(plain);
    auto const server = start();
    auto config = single_attempt(server);
    config.proxy.url = "https://127.0.0.1:" + std::to_string(web.port());
    auto const got = fetch(config);
    BOOST_TEST(outcome(got) == "tls_failed");
    BOOST_TEST(says(got, "no TLS connection to the proxy 127.0.0.1:"), got.error());
    BOOST_TEST(says(got, "write http:// in proxy.url"), got.error());
}

BOOST_AUTO_TEST_CASE(a_silent_proxy_is_abandoned_at_the_deadline)
{
    auto const server = start();
    for (auto const& [response, phase] : std::vector<std::pair<std::string, char const*>>{
             {"", "in the phase connect"},
             {"HTTP/1.1 200 OK\r\n", "in the phase connect"},
             {consent, "in the phase tls"}})
        BOOST_TEST_CONTEXT(response)
        {
            auto script = leading_to(server, response);
            script.leads_to = 0;
            tls_proxy const between(script);
            auto config = through(server, between.front);
            config.timeout = 500ms;
            stopwatch const watch;
            auto const got = fetch(config);
            BOOST_TEST(outcome(got) == "timeout");
            BOOST_TEST(says(got, phase), got.error());
            BOOST_TEST(watch.elapsed() < 3s);
        }
}

BOOST_AUTO_TEST_CASE(a_cancellation_ends_each_wait)
{
    auto const server = start();
    for (auto const* const response : {"", consent})
        BOOST_TEST_CONTEXT(response)
        {
            auto script = leading_to(server, response);
            script.leads_to = 0;
            tls_proxy const between(script);
            asio::io_context context;
            asio::cancellation_signal signal;
            coauth::client client(context.get_executor(), through(server, between.front));
            std::string end;
            client.async_get_access_token(
                coauth::token_request(),
                asio::bind_cancellation_slot(
                    signal.slot(), [&](token_result const& r) { end = outcome(r); }));
            asio::steady_timer timer(context, 200ms);
            timer.async_wait([&](boost::system::error_code)
                             { signal.emit(asio::cancellation_type::terminal); });
            stopwatch const watch;
            context.run();
            BOOST_TEST(end == "cancelled");
            BOOST_TEST(watch.elapsed() < 3s);
        }
}

BOOST_AUTO_TEST_CASE(a_kept_tunnel_that_died_is_replaced)
{
    auto server = start();
    tls_proxy const between(leading_to(server));
    client_fixture kept(through(server, between.front));
    BOOST_TEST(outcome(kept.fetch()) == "success");
    auto nothing = response::bytes("x", response_end::reset);
    nothing.cut_at = 0;
    server.push_response(nothing);
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(server.connections() == 2U);
}

// Many records each way, of both kinds of TLS.
BOOST_AUTO_TEST_CASE(large_messages_pass)
{
    auto server = start();
    tls_proxy const between(leading_to(server));
    std::string const large(500'000, 'x');
    server.push_response(response::json(
        200, R"({"access_token":"tok.en-1","token_type":"Bearer","note":")" + large + "\"}"));
    auto config = through(server, between.front);
    auto const got =
        fetch(config, coauth::token_request().parameter("note", std::string(40'000, 'y')));
    BOOST_TEST_REQUIRE(outcome(got) == "success");
    BOOST_TEST_REQUIRE(got->member("note").has_value());
    BOOST_TEST(got->member("note")->size() == large.size() + 2);
}

BOOST_AUTO_TEST_CASE(an_https_proxy_is_read_from_the_environment)
{
    auto const server = start();
    tls_proxy const between(leading_to(server));
    auto config = through(server, between.front);
    config.proxy.url.clear();
    config.proxy.from_environment = true;
    ::setenv("HTTPS_PROXY", between.front.url().c_str(), 1);
    BOOST_TEST(outcome(fetch(config)) == "success");
    ::unsetenv("HTTPS_PROXY");
    BOOST_TEST(between.front.handshakes().size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
