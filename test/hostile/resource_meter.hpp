#ifndef COAUTH_TEST_HOSTILE_RESOURCE_METER_HPP
#define COAUTH_TEST_HOSTILE_RESOURCE_METER_HPP

#include <chrono>
#include <cstddef>

namespace test
{

// What this thread takes while this lives: a client that runs on it, and not the server, which has
// another. One at a time.
class resource_meter
{
public:
    resource_meter();
    resource_meter(resource_meter const&) = delete;
    resource_meter& operator=(resource_meter const&) = delete;

    // By how much the memory that C++ and OpenSSL hold has grown at most.
    [[nodiscard]] std::size_t memory() const;
    // Bytes received from sockets.
    [[nodiscard]] std::size_t bytes() const;
    // How often something was sent (`send`).
    [[nodiscard]] std::size_t sends() const;
    [[nodiscard]] std::chrono::nanoseconds processor() const;

private:
    std::ptrdiff_t held_;
    std::size_t bytes_;
    std::size_t sends_;
    std::chrono::nanoseconds processor_;
};

} // namespace test

#endif
