// Requests through a real proxy, Debian's tinyproxy, and through a misbehaving one.

#include "client_fixture.hpp"
#include "fixture.hpp"
#include "scripted_proxy.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/test/unit_test.hpp>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(proxy)

using asio::ip::tcp;

namespace
{

std::uint16_t free_port()
{
    asio::io_context context;
    tcp::acceptor const one(context, {asio::ip::address_v4::loopback(), 0});
    return one.local_endpoint().port();
}

class tinyproxy
{
public:
    explicit tinyproxy(std::string const& more = {}) : port_(free_port())
    {
        std::ofstream(config_) << "Port " << port_ << "\nListen 127.0.0.1\nTimeout 60\n"
                               << "MaxClients 100\nLogLevel Critical\n"
                               << more;
        std::string program = "tinyproxy";
        std::string foreground = "-d";
        std::string flag = "-c";
        char* const arguments[] = {
            program.data(), foreground.data(), flag.data(), config_.data(), nullptr};
        BOOST_REQUIRE(
            posix_spawnp(&process_, "tinyproxy", nullptr, nullptr, arguments, environ) == 0);
        wait();
    }
    ~tinyproxy()
    {
        ::kill(process_, SIGTERM);
        ::waitpid(process_, nullptr, 0);
        ::unlink(config_.c_str());
    }
    tinyproxy(tinyproxy const&) = delete;
    tinyproxy& operator=(tinyproxy const&) = delete;

    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

private:
    void wait() const
    {
        asio::io_context context;
        boost::system::error_code failed = asio::error::not_connected;
        for (int i = 0; i < 500 && failed; ++i)
        {
            tcp::socket probe(context);
            probe.connect({asio::ip::address_v4::loopback(), port_}, failed);
            if (failed)
                std::this_thread::sleep_for(20ms);
        }
        BOOST_REQUIRE(!failed);
    }

    std::uint16_t port_;
    std::string config_ = "tinyproxy." + std::to_string(::getpid()) + ".conf";
    pid_t process_ = 0;
};

coauth::client_config through(authorization_server const& server, std::string url)
{
    auto config = server.config();
    config.proxy.url = std::move(url);
    return config;
}

constexpr char const* consent = "HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n";

proxy_script make_script(std::string response, std::size_t piece = 0)
{
    proxy_script script;
    script.response = std::move(response);
    script.piece = piece;
    return script;
}

proxy_script leading_to(authorization_server const& server, std::string response)
{
    auto script = make_script(std::move(response));
    script.leads_to = server.port();
    return script;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_tunnel_leads_to_the_verified_server)
{
    tinyproxy const proxy;
    auto const server = start();
    BOOST_TEST(outcome(fetch(through(server, proxy.url()))) == "success");
    BOOST_TEST(server.requests().size() == 1U);
    BOOST_TEST(!server.requests()[0].headers.find("Proxy-Authorization").has_value());

    auto elsewhere = options();
    elsewhere.certificate = coauth::testing::certificate::wrong_host;
    auto const other = start(elsewhere);
    BOOST_TEST(outcome(fetch(through(other, proxy.url()))) == "certificate_verify_failed");
    BOOST_TEST(other.requests().empty());
}

BOOST_AUTO_TEST_CASE(connections_through_a_proxy_are_reused)
{
    tinyproxy const proxy;
    auto const server = start();
    auto config = through(server, proxy.url());
    config.connections.max_connections = 1;
    for (auto const& got : fetch_many(config, 5))
        BOOST_TEST(outcome(got) == "success");
    BOOST_TEST(server.connections() == 1U);
}

BOOST_AUTO_TEST_CASE(wrong_proxy_credentials_are_refused_without_a_secret_in_the_error)
{
    tinyproxy const proxy("BasicAuth me p4ssw0rd\n");
    auto const server = start();
    auto config = through(server, proxy.url());
    config.proxy.user = "me";
    config.proxy.password = coauth::secret("p4ssw0rd");
    BOOST_TEST(outcome(fetch(config)) == "success");

    config.proxy.password = coauth::secret("wr0ng-word");
    auto const wrong = fetch(config);
    BOOST_TEST(outcome(wrong) == "proxy_refused");
    check_no_secret(wrong, "wr0ng-word");
    BOOST_TEST((wrong.error().http_status() == 401U || wrong.error().http_status() == 407U));

    config.proxy.user.clear();
    auto const none = fetch(config);
    BOOST_TEST(outcome(none) == "proxy_refused");
    BOOST_TEST(none.error().http_status() == 407U);
    BOOST_TEST(none.error().message().find("proxy.password") != std::string::npos);
    BOOST_TEST(server.requests().size() == 1U);
}

BOOST_AUTO_TEST_CASE(the_proxy_of_the_environment_is_used)
{
    tinyproxy const proxy("BasicAuth me p4ssw0rd\n");
    auto const server = start();
    auto config = server.config();
    config.proxy.from_environment = true;
    auto url = proxy.url();
    ::setenv("HTTPS_PROXY", url.insert(7, "me:p4ssw0rd@").c_str(), 1);
    BOOST_TEST(outcome(fetch(config)) == "success");
    // No server listens at this port.
    ::setenv("HTTPS_PROXY", "http://127.0.0.1:1", 1);
    auto const refused = fetch(config);
    BOOST_TEST(outcome(refused) == "connect_failed");
    BOOST_TEST(refused.error().message().find("127.0.0.1:1;") != std::string::npos);
    ::setenv("NO_PROXY", "10.0.0.0/8,127.0.0.0/8", 1);
    BOOST_TEST(outcome(fetch(config)) == "success");
    ::unsetenv("HTTPS_PROXY");
    ::unsetenv("NO_PROXY");
}

BOOST_AUTO_TEST_CASE(a_port_that_the_proxy_does_not_allow_is_an_error)
{
    tinyproxy const proxy("ConnectPort 1\n");
    auto const server = start();
    auto const got = fetch(through(server, proxy.url()));
    BOOST_TEST(outcome(got) == "proxy_refused");
    BOOST_TEST(got.error().http_status() == 403U);
    BOOST_TEST(server.connections() == 0U);
}

BOOST_AUTO_TEST_CASE(a_server_that_is_no_proxy_is_an_error)
{
    // An authorization server over plain HTTP responds to CONNECT with an error, a mail server does
    // not speak HTTP.
    auto plain = options();
    plain.tls = false;
    auto const web = start(plain);
    auto mail = options();
    mail.connection_fault = coauth::testing::connection_fault::plain_text;
    auto const smtp = start(mail);
    auto const server = start();
    for (auto const* one : {&web, &smtp})
    {
        auto config = through(server, "http://127.0.0.1:" + std::to_string(one->port()));
        config.timeout = 500ms;
        auto const got = outcome(fetch(config));
        BOOST_TEST((got == "proxy_refused" || got == "timeout" || got == "connection_lost"), got);
    }
    BOOST_TEST(server.connections() == 0U);
}

BOOST_AUTO_TEST_CASE(any_success_response_of_a_proxy_opens_the_tunnel)
{
    struct row
    {
        char const* name;
        std::string response;
        std::size_t piece;
    };
    for (auto const& row : std::vector<row>{
             {"in one", consent, 0},
             {"byte by byte", consent, 1},
             {"the header's end in two", consent, std::string(consent).size() - 2},
             {"HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\n", 0},
             {"another 2xx", "HTTP/1.1 204 No Content\r\n\r\n", 0},
             // Without meaning in this response (RFC 9110 section 9.3.6).
             {"Content-Length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 0},
             {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0},
             {"Connection: close", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", 0},
             {"a large header", "HTTP/1.1 200 OK\r\nX: " + std::string(8000, 'x') + "\r\n\r\n",
              1000},
             {"a header of 60 KiB",
              "HTTP/1.1 200 OK\r\nX: " + std::string(60'000, 'x') + "\r\n\r\n", 0},
             {"LF alone", "HTTP/1.1 200 OK\nVia: x\n\n", 0},
             {"LF alone, byte by byte", "HTTP/1.1 200 OK\nVia: x\n\n", 1},
             {"LF and CRLF", "HTTP/1.1 200 OK\nVia: x\r\n\n", 0},
             {"no reason", "HTTP/1.1 200\r\n\r\n", 0},
             {"100 before", std::string("HTTP/1.1 100 Continue\r\n\r\n") + consent, 0},
             {"several before",
              "HTTP/1.1 100 Continue\n\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" +
                  std::string(consent),
              1},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            auto const server = start();
            auto script = leading_to(server, row.response);
            script.piece = row.piece;
            scripted_proxy const proxy(script);
            client_fixture kept(through(server, proxy.url()));
            BOOST_TEST(outcome(kept.fetch()) == "success");
            BOOST_TEST(outcome(kept.fetch()) == "success");
            BOOST_TEST(server.connections() == 1U);
            BOOST_TEST(kept.client.counters().attempts == 2U);
        }
}

BOOST_AUTO_TEST_CASE(a_refusal_of_the_proxy_is_reported_with_its_status)
{
    std::string const page(2000, 'x');
    std::string const body = "Content-Length: 2000\r\n\r\n" + page;
    struct row
    {
        char const* name;
        std::string response;
        unsigned status;
        std::size_t piece = 0;
    };
    for (auto const& row : std::vector<row>{
             {"407 with a body", "HTTP/1.1 407 Authentication\r\n" + body, 407},
             {"407, in pieces", "HTTP/1.1 407 Authentication\r\n" + body, 407, 10},
             {"407, the body later", "HTTP/1.1 407 No\r\n" + body, 407, 41},
             {"502", "HTTP/1.1 502 Bad Gateway\r\n\r\n", 502},
             {"302", "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n", 302},
             {"101", "HTTP/1.1 101 Switching Protocols\r\n\r\n", 101},
             {"100 before", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 No\r\n\r\n", 403},
             {"100 before what is no HTTP", "HTTP/1.1 100 Continue\r\n\r\nSSH-2.0\r\n\r\n", 0},
             {"LF alone", "HTTP/1.1 407 No\n\n", 407},
             {"a body with an empty line", "HTTP/1.1 403 No\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 403},
             {"no number", "HTTP/1.1 2xx OK\r\n\r\n", 0},
             {"a short number", "HTTP/1.1 20\r\nA: b\r\n\r\n", 0},
             {"a long number", "HTTP/1.1 2000 OK\r\n\r\n", 0},
             {"no HTTP", "SSH-2.0-test\r\n\r\n", 0},
             {"a later HTTP", "HTTP/2.0 200 OK\r\n\r\n", 0},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            auto const server = start();
            scripted_proxy const proxy(make_script(row.response, row.piece));
            auto config = through(server, proxy.url());
            config.timeout = 5s;
            auto const got = fetch(config);
            BOOST_TEST(outcome(got) == "proxy_refused");
            BOOST_TEST((got || got.error().http_status() == row.status));
            BOOST_TEST(proxy.wait_for_ended(1));
            BOOST_TEST(server.connections() == 0U);
        }
}

// Bytes of the proxy after its success response would be read as the server's.
BOOST_AUTO_TEST_CASE(bytes_after_the_response_of_a_proxy_are_refused)
{
    for (std::string const& extra : std::vector<std::string>{
             "x", "\r\n", "\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n",
             std::string("\x15\x03\x03\x00\x02\x01\x00", 7), http_response(token_body)})
        for (bool const later : {false, true})
            BOOST_TEST_CONTEXT(extra << (later ? ", later" : ""))
            {
                auto const server = start();
                auto script = leading_to(server, consent + extra);
                script.piece = later ? std::string(consent).size() : 0;
                script.pause = 20ms;
                scripted_proxy const proxy(script);
                auto const got = fetch(through(server, proxy.url()));
                BOOST_TEST(
                    outcome(got) == (!later               ? "proxy_refused"
                                     : extra[0] == '\x15' ? "connection_lost"
                                                          : "tls_failed"));
                BOOST_TEST(server.handshakes() == 0U);
                BOOST_TEST(server.requests().empty());
            }
}

BOOST_AUTO_TEST_CASE(a_proxy_response_that_ends_early_is_a_lost_connection)
{
    std::string const whole = consent;
    for (std::size_t const cut :
         {std::size_t(0), std::size_t(5), std::size_t(30), whole.size() - 1})
        BOOST_TEST_CONTEXT(cut)
        {
            auto const server = start();
            auto script = make_script(whole.substr(0, cut));
            script.close = true;
            scripted_proxy const proxy(script);
            auto const got = fetch(through(server, proxy.url()));
            BOOST_TEST(outcome(got) == "connection_lost");
            BOOST_TEST((got || got.error().transient()));
            BOOST_TEST((got || got.error().message().find("CONNECT") != std::string::npos));
        }
}

BOOST_AUTO_TEST_CASE(an_endless_proxy_response_is_refused)
{
    auto const server = start();
    scripted_proxy const proxy(make_script("HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x')));
    stopwatch const watch;
    auto const got = fetch(through(server, proxy.url()));
    BOOST_TEST(outcome(got) == "proxy_refused");
    BOOST_TEST(got.error().message().find("more than 64 KiB of header") != std::string::npos);
    BOOST_TEST(watch.elapsed() < 3s);
    BOOST_TEST(proxy.wait_for_ended(1));
}

// The deadline also holds if no response or only a part of one arrives.
BOOST_AUTO_TEST_CASE(a_silent_proxy_is_abandoned_at_the_deadline)
{
    for (auto const& script :
         {make_script({}), make_script("HTTP/1.1 200 OK\r\n"), make_script(consent, 1)})
        BOOST_TEST_CONTEXT(script.response)
        {
            auto trickling = script;
            trickling.pause = 50ms;
            auto const server = start();
            scripted_proxy const proxy(trickling);
            auto config = through(server, proxy.url());
            config.timeout = 300ms;
            stopwatch const watch;
            auto const got = fetch(config);
            BOOST_TEST(outcome(got) == "timeout");
            BOOST_TEST(watch.elapsed() >= 300ms);
            BOOST_TEST(watch.elapsed() < 3s);
            BOOST_TEST((got || got.error().message().find("connect") != std::string::npos));
            BOOST_TEST(proxy.wait_for_ended(1));
            BOOST_TEST(server.connections() == 0U);
        }
}

// The request for the tunnel belongs to the connect phase.
BOOST_AUTO_TEST_CASE(the_observer_sees_the_tunnel_as_part_of_the_connect_phase)
{
    struct recorder : coauth::observer
    {
        void on_phase_ended(coauth::phase_ended const& event) override
        {
            seen += std::string(coauth::to_string(event.phase)) + (event.failure ? "! " : " ");
            if (event.phase == coauth::phase::connect)
                took = event.duration;
        }
        std::string seen;
        std::chrono::steady_clock::duration took{};
    };
    auto const server = start();
    auto script = leading_to(server, consent);
    script.pause = 100ms;
    script.piece = 20;
    scripted_proxy const slow(script);
    auto config = through(server, slow.url());
    auto const good = std::make_shared<recorder>();
    config.observer = good;
    BOOST_TEST(outcome(fetch(config)) == "success");
    BOOST_TEST(good->seen == "lookup connect tls request response ");
    BOOST_TEST((good->took >= 100ms));

    scripted_proxy const refusing(make_script("HTTP/1.1 403 Forbidden\r\n\r\n"));
    config.proxy.url = refusing.url();
    auto const bad = std::make_shared<recorder>();
    config.observer = bad;
    BOOST_TEST(outcome(fetch(config)) == "proxy_refused");
    BOOST_TEST(bad->seen == "lookup connect! ");
}

BOOST_AUTO_TEST_CASE(a_lost_tunnel_is_replaced)
{
    auto server = start();
    scripted_proxy const proxy(leading_to(server, consent));
    auto config = through(server, proxy.url());
    config.retry.max_attempts = 1;
    client_fixture kept(config);
    BOOST_TEST(outcome(kept.fetch()) == "success");
    auto nothing = response::bytes("x", response_end::reset);
    nothing.cut_at = 0;
    server.push_response(nothing);
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(kept.client.counters().attempts == 2U);
    BOOST_TEST(kept.client.counters().sessions_resumed == 1U);
    BOOST_TEST(proxy.wait_for_requests(2));
    BOOST_TEST(server.connections() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
