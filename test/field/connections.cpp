// Connections and the operating system: descriptors, forks, the end of the process.

#include "fixture.hpp"
#include "issued_certificate.hpp"
#include "scratch_file.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <set>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(connections)

namespace
{

std::set<int> descriptors()
{
    std::set<int> open;
    for (int fd = 0; fd < 1024; ++fd)
        if (::fcntl(fd, F_GETFD) >= 0)
            open.insert(fd);
    return open;
}

// The descriptor of the connection to this port, or -1.
int connection_to(std::uint16_t port)
{
    for (int const fd : descriptors())
    {
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0 &&
            peer.sin_family == AF_INET && ntohs(peer.sin_port) == port)
            return fd;
    }
    return -1;
}

int option(int socket, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    (void)::getsockopt(socket, level, name, &value, &size);
    return value;
}

// A client with an event loop of its own.
struct running_client
{
    explicit running_client(coauth::client_config const& config)
        : client(std::in_place, context, config)
    {
    }

    std::string fetch()
    {
        std::string said = "nothing";
        client->async_get_access_token(
            coauth::token_request(), [&](token_result const& got) { said = outcome(got); });
        context.restart();
        context.run();
        return said;
    }

    asio::io_context context;
    std::optional<coauth::client> client;
};

authorization_server start_with_token()
{
    auto server = start();
    server.set_response(response::json(200, token_body));
    return server;
}

} // namespace

BOOST_AUTO_TEST_CASE(no_descriptor_is_inherited_by_programs)
{
    auto const server = start_with_token();
    auto config = server.config();
    config.server.token_endpoint = server.token_endpoint("localhost");
    auto const before = descriptors();
    running_client one(config);
    BOOST_TEST(one.fetch() == "success");
    for (int const fd : descriptors())
        if (before.find(fd) == before.end() && connection_to(server.port()) >= 0)
        {
            sockaddr_in own{};
            socklen_t size = sizeof own;
            bool const of_server =
                ::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &size) == 0 &&
                ntohs(own.sin_port) == server.port();
            BOOST_TEST(
                (of_server || (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0), "descriptor " << fd);
        }
    BOOST_TEST(connection_to(server.port()) >= 0);
}

BOOST_AUTO_TEST_CASE(an_idle_connection_is_probed)
{
    auto const server = start_with_token();
    running_client one(server.config());
    BOOST_TEST(one.fetch() == "success");
    int const socket = connection_to(server.port());
    BOOST_TEST_REQUIRE(socket >= 0);
    BOOST_TEST(option(socket, SOL_SOCKET, SO_KEEPALIVE) == 1);
    BOOST_TEST(option(socket, IPPROTO_TCP, TCP_KEEPIDLE) == 15);
    BOOST_TEST(option(socket, IPPROTO_TCP, TCP_KEEPINTVL) == 5);
    BOOST_TEST(option(socket, IPPROTO_TCP, TCP_KEEPCNT) == 3);
    BOOST_TEST(option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT) == 30'000);
}

// The child's copy of the client opens a connection of its own.
BOOST_AUTO_TEST_CASE(a_forked_child_does_not_use_its_parents_connection)
{
    auto const server = start_with_token();
    running_client one(server.config());
    BOOST_TEST(one.fetch() == "success");
    BOOST_TEST(server.connections() == 1U);
    one.context.notify_fork(asio::io_context::fork_prepare);
    auto const child = ::fork();
    if (child == 0)
    {
        one.context.notify_fork(asio::io_context::fork_child);
        bool const fetched = one.fetch() == "success" && one.fetch() == "success";
        bool const reused = one.client->counters().connections_opened != 2;
        one.client.reset();
        ::_exit(fetched ? (reused ? 2 : 0) : 1);
    }
    one.context.notify_fork(asio::io_context::fork_parent);
    int status = -1;
    BOOST_TEST(::waitpid(child, &status, 0) == child);
    BOOST_TEST(status == 0);
    BOOST_TEST(server.connections() == 2U);
    // The parent's connection still works.
    BOOST_TEST(one.fetch() == "success");
    BOOST_TEST(server.connections() == 2U);
}

BOOST_AUTO_TEST_CASE(the_process_may_exit_during_handshakes)
{
    auto const server = start_with_token();
    scratch_file const ca("field_exit", server.ca_pem());
    auto const command =
        std::string(COAUTH_FIELD_CLIENT) + " exit " + server.token_endpoint() + " " + ca.path();
    for (int round = 0; round < 20; ++round)
        BOOST_TEST(std::system(command.c_str()) == 0, "round " << round);
}

BOOST_AUTO_TEST_SUITE_END()
