#ifndef COAUTH_TEST_HOSTILE_SERVER_PROCESS_HPP
#define COAUTH_TEST_HOSTILE_SERVER_PROCESS_HPP

#include <coauth/client_config.hpp>
#include <coauth/testing/authorization_server.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace test
{

// A server in a process of its own, which ends with this object: measurements and searches in the
// test's process do not include the server.
class server_process
{
public:
    // Called in the server's process.
    using maker = std::function<coauth::testing::authorization_server()>;

    explicit server_process(maker const& make);
    ~server_process();
    server_process(server_process const&) = delete;
    server_process& operator=(server_process const&) = delete;

    // Endpoints and CA of the server, without client authentication.
    [[nodiscard]] coauth::client_config config(std::string const& host = "127.0.0.1") const;
    [[nodiscard]] std::string const& ca_pem() const { return ca_pem_; }

private:
    [[noreturn]] static void serve(maker const& make, int up, int lifeline);

    std::string ca_pem_;
    std::uint16_t port_ = 0;
    int lifeline_ = -1;
    int process_ = -1;
};

} // namespace test

#endif
