#ifndef COAUTH_TEST_SOAK_SERVER_HPP
#define COAUTH_TEST_SOAK_SERVER_HPP

#include <cstddef>
#include <cstdint>
#include <string>

namespace soak
{

// Two misbehaving authorization servers in a process of their own, so that the measured memory and
// descriptors are those of the clients. One of them is restarted every few seconds, without TLS,
// since each start makes a new CA.
class server
{
public:
    // Must be called while the process has one thread.
    explicit server(std::uint64_t seed);
    ~server();
    server(server const&) = delete;
    server& operator=(server const&) = delete;

    // Ends the servers and returns the number of scripted requests of the steady one.
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
