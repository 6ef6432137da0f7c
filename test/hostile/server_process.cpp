#include "server_process.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

namespace test
{

server_process::server_process(maker const& make)
{
    std::array<int, 2> up{};
    std::array<int, 2> down{};
    BOOST_REQUIRE(::pipe(up.data()) == 0 && ::pipe(down.data()) == 0);
    process_ = ::fork();
    if (process_ == 0)
    {
        ::close(down[1]);
        serve(make, up[1], down[0]);
    }
    ::close(up[1]);
    ::close(down[0]);
    lifeline_ = down[1];
    std::string said;
    for (char c = 0; ::read(up[0], &c, 1) == 1;)
        said += c;
    ::close(up[0]);
    std::istringstream lines(said);
    lines >> port_ >> std::ws;
    std::getline(lines, ca_pem_, '\0');
}

server_process::~server_process()
{
    ::close(lifeline_);
    (void)::waitpid(process_, nullptr, 0);
}

coauth::client_config server_process::config(std::string const& host) const
{
    coauth::client_config made;
    auto const origin = "https://" + host + ":" + std::to_string(port_);
    made.server.issuer = origin;
    made.server.token_endpoint = origin + "/oauth/token";
    made.server.introspection_endpoint = origin + "/oauth/introspect";
    made.server.revocation_endpoint = origin + "/oauth/revoke";
    made.tls.ca_pem = ca_pem_;
    return made;
}

// Its own lifeline ends when the other process does, however that ends.
void server_process::serve(maker const& make, int up, int lifeline)
{
    auto const server = make();
    auto const text = std::to_string(server.port()) + "\n" + server.ca_pem();
    bool const told = ::write(up, text.data(), text.size()) > 0;
    ::close(up);
    char c = 0;
    (void)::read(lifeline, &c, 1);
    ::_exit(told ? 0 : 1);
}

} // namespace test
