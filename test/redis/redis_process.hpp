#ifndef COAUTH_TEST_REDIS_REDIS_PROCESS_HPP
#define COAUTH_TEST_REDIS_REDIS_PROCESS_HPP

#include <coauth/redis_token_store.hpp>

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

namespace test
{

// A redis-server on this machine with TLS and an ACL. Its user "coauth" may do what the store
// needs, with keys that begin with "coauth:". Throws std::runtime_error if it does not start.
class redis_process
{
public:
    // Lines of its configuration, in addition.
    explicit redis_process(std::string more_configuration = {});
    ~redis_process();
    redis_process(redis_process const&) = delete;
    redis_process& operator=(redis_process const&) = delete;

    // Of plain TCP, for tests of what is not TLS.
    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::uint16_t tls_port() const { return tls_port_; }
    [[nodiscard]] std::string const& ca_pem() const { return ca_pem_; }
    // A certificate of its CA, and its key.
    [[nodiscard]] std::string const& client_pem() const { return client_pem_; }
    // The options of a store with TLS.
    [[nodiscard]] coauth::redis_options options() const;

    // Runs a command as an administrator. Elements of an array are separated by line breaks.
    std::string command(std::vector<std::string> const& words) const;

    // SIGSTOP and SIGCONT.
    void stop();
    void resume();
    // SIGKILL.
    void kill();
    // Starts it again on the same ports, without any data.
    void start();

    static constexpr char const* password = "p:S 3+cr/%t&=~";

private:
    void make_certificates();
    void write(std::string const& name, std::string const& text) const;
    void await_start() const;

    std::string const more_configuration_;
    std::string directory_;
    std::uint16_t port_ = 0;
    std::uint16_t tls_port_ = 0;
    std::string ca_pem_;
    std::string client_pem_;
    pid_t process_ = -1;
};

// Ends a child by SIGKILL and waits for it; -1 then. Less than 1: there is none.
void kill_process(pid_t& process);

} // namespace test

#endif
