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
    std::array<int, 2> ready{};
    std::array<int, 2> lifeline{};
    BOOST_REQUIRE(::pipe(ready.data()) == 0 && ::pipe(lifeline.data()) == 0);
    process_ = ::fork();
    if (process_ == 0)
    {
        ::close(lifeline[1]);
        serve(make, ready[1], lifeline[0]);
    }
    ::close(ready[1]);
    ::close(lifeline[0]);
    lifeline_ = lifeline[1];
    std::string text;
    for (char c = 0; ::read(ready[0], &c, 1) == 1;)
        text += c;
    ::close(ready[0]);
    std::istringstream lines(text);
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
    coauth::client_config result;
    auto const origin = "https://" + host + ":" + std::to_string(port_);
    result.server.issuer = origin;
    result.server.token_endpoint = origin + "/oauth/token";
    result.server.introspection_endpoint = origin + "/oauth/introspect";
    result.server.revocation_endpoint = origin + "/oauth/revoke";
    result.tls.ca_pem = ca_pem_;
    return result;
}

// The lifeline is closed when the test's process ends, in whatever way.
void server_process::serve(maker const& make, int ready, int lifeline)
{
    auto const server = make();
    auto const text = std::to_string(server.port()) + "\n" + server.ca_pem();
    bool const written = ::write(ready, text.data(), text.size()) > 0;
    ::close(ready);
    char c = 0;
    (void)::read(lifeline, &c, 1);
    ::_exit(written ? 0 : 1);
}

} // namespace test
