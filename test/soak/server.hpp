#ifndef COAUTH_TEST_SOAK_SERVER_HPP
#define COAUTH_TEST_SOAK_SERVER_HPP

#include <cstddef>
#include <cstdint>
#include <string>

namespace soak
{

// Two authorization servers that misbehave, in a process of their own, so that memory and
// descriptors are the clients' alone. One is restarted every few seconds; it does without TLS, for
// it would come back with another CA.
class server
{
public:
    // To be called while the process has one thread.
    explicit server(std::uint64_t seed);
    ~server();
    server(server const&) = delete;
    server& operator=(server const&) = delete;

    // Ends the servers; how many requests came to the one that stayed.
    std::size_t stop();

    std::string ca_pem;
    std::uint16_t steady_port = 0;
    std::uint16_t restarted_port = 0;

private:
    int commands_ = -1;
    int reports_ = -1;
    int process_ = -1;
};

} // namespace soak

#endif
