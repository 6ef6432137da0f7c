#ifndef COAUTH_TEST_HOSTILE_RESOURCE_METER_HPP
#define COAUTH_TEST_HOSTILE_RESOURCE_METER_HPP

#include <chrono>
#include <cstddef>

namespace test
{

// Measures this thread while it lives: a client that runs on it, not a server on another thread.
// One at a time.
class resource_meter
{
public:
    resource_meter();
    resource_meter(resource_meter const&) = delete;
    resource_meter& operator=(resource_meter const&) = delete;

    // The peak growth of the memory allocated by C++ and OpenSSL, in bytes.
    [[nodiscard]] std::size_t memory() const;
    // Bytes received from sockets.
    [[nodiscard]] std::size_t bytes() const;
    // Number of calls of `send`.
    [[nodiscard]] std::size_t sends() const;
    [[nodiscard]] std::chrono::nanoseconds cpu_time() const;

private:
    std::ptrdiff_t allocated_;
    std::size_t bytes_;
    std::size_t sends_;
    std::chrono::nanoseconds cpu_time_;
};

} // namespace test

#endif
