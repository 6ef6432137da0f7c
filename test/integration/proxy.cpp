// Through a proxy that others wrote: Debian's tinyproxy.

#include "fixture.hpp"

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

} // namespace

BOOST_AUTO_TEST_SUITE(proxy)

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
    BOOST_TEST(outcome(fetch(through(other, proxy.url()))) == "certificate_rejected");
    BOOST_TEST(other.requests().empty());
}

BOOST_AUTO_TEST_CASE(connections_through_it_are_used_again)
{
    tinyproxy const proxy;
    auto const server = start();
    auto config = through(server, proxy.url());
    config.connections.max_connections = 1;
    for (auto const& got : fetch_many(config, 5))
        BOOST_TEST(outcome(got) == "success");
    BOOST_TEST(server.connections() == 1U);
}

BOOST_AUTO_TEST_CASE(credentials)
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

BOOST_AUTO_TEST_CASE(from_the_environment)
{
    tinyproxy const proxy("BasicAuth me p4ssw0rd\n");
    auto const server = start();
    auto config = server.config();
    config.proxy.from_environment = true;
    auto url = proxy.url();
    ::setenv("HTTPS_PROXY", url.insert(7, "me:p4ssw0rd@").c_str(), 1);
    BOOST_TEST(outcome(fetch(config)) == "success");
    // Nothing listens there.
    ::setenv("HTTPS_PROXY", "http://127.0.0.1:1", 1);
    auto const refused = fetch(config);
    BOOST_TEST(outcome(refused) == "connect_failed");
    BOOST_TEST(refused.error().message().find("127.0.0.1:1;") != std::string::npos);
    ::setenv("NO_PROXY", "10.0.0.0/8,127.0.0.0/8", 1);
    BOOST_TEST(outcome(fetch(config)) == "success");
    ::unsetenv("HTTPS_PROXY");
    ::unsetenv("NO_PROXY");
}

BOOST_AUTO_TEST_CASE(a_port_that_it_does_not_allow)
{
    tinyproxy const proxy("ConnectPort 1\n");
    auto const server = start();
    auto const got = fetch(through(server, proxy.url()));
    BOOST_TEST(outcome(got) == "proxy_refused");
    BOOST_TEST(got.error().http_status() == 403U);
    BOOST_TEST(server.connections() == 0U);
}

BOOST_AUTO_TEST_CASE(what_is_no_proxy)
{
    // An authorization server over plain HTTP answers CONNECT with an error, a mail server not at
    // all in HTTP.
    auto plain = options();
    plain.tls = false;
    auto const web = start(plain);
    auto mail = options();
    mail.refuse = coauth::testing::refuse_connection::plain_text;
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

BOOST_AUTO_TEST_SUITE_END()
