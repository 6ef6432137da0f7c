#ifndef COAUTH_TEST_SUPPORT_FAULT_PROXY_HPP
#define COAUTH_TEST_SUPPORT_FAULT_PROXY_HPP

#include <coauth/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace test
{

// The faults that a fault_proxy can cause.
enum class fault
{
    none,
    // Both connections are closed in order.
    close,
    // Both connections are reset.
    reset,
    // The connection to the receiver is closed in order. The other direction continues.
    half_close,
    // No more bytes arrive, and nothing is closed. The other direction continues.
    stall,
    // All further bytes are delayed.
    delay,
    // One bit is inverted.
    corrupt,
    // One byte is sent twice.
    repeat,
    // All further bytes arrive one at a time, each delayed.
    trickle,
};

// The direction of bytes through a fault_proxy.
enum class direction
{
    to_server,
    to_client,
};

// A fault at one position of a connection.
struct fault_spec
{
    test::fault fault = test::fault::none;
    // The direction of the bytes that it affects.
    test::direction direction = test::direction::to_client;
    // Number of bytes in this direction before the fault, counted below TLS.
    std::size_t position = 0;
    // The delay of `fault::delay` and `fault::trickle`.
    std::chrono::milliseconds delay{50};
    // The number of the affected connection to the port, counted from 0. None: every connection.
    std::optional<std::size_t> connection = {};
};

// Relays connections between a client and a server on this machine, and disturbs them below TLS.
// It has a thread of its own. All functions may be called from any thread.
class fault_proxy
{
public:
    // Relays to a server at 127.0.0.1. Throws if the system lacks resources.
    explicit fault_proxy(std::uint16_t server_port);
    // Closes every connection and waits for the thread.
    ~fault_proxy();
    fault_proxy(fault_proxy const&) = delete;
    fault_proxy& operator=(fault_proxy const&) = delete;

    // Opens a port. Every connection to it has this fault.
    [[nodiscard]] coauth::result<std::uint16_t> open(fault_spec const& spec = {});
    // Closes a port. Existing connections through it continue.
    void close(std::uint16_t port);

    // Number of bytes received for this direction, in all connections to the port.
    [[nodiscard]] std::size_t passed(std::uint16_t port, test::direction direction) const;
    // Number of connections made to the port.
    [[nodiscard]] std::size_t connections(std::uint16_t port) const;

private:
    class state;
    std::unique_ptr<state> state_;
};

} // namespace test

#endif
