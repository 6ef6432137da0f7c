#ifndef COAUTH_TESTING_RELAY_HPP
#define COAUTH_TESTING_RELAY_HPP

#include <coauth/export.hpp>
#include <coauth/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace coauth::testing
{

/// What a network, or what stands in it, does to a connection.
enum class fault
{
    none,
    /// Both sides are closed in order.
    close,
    /// Both sides are reset.
    reset,
    /// The side to which the bytes go is closed in order; the other direction goes on.
    half_close,
    /// Nothing more comes, and nothing is closed. The other direction goes on.
    stall,
    /// What comes from here on comes late.
    delay,
    /// One bit is another.
    corrupt,
    /// One byte comes twice.
    repeat,
    /// What comes from here on comes byte by byte, and each byte late.
    drip,
};

enum class direction
{
    to_server,
    to_client,
};

/// One fault, at one place of a connection. A plain aggregate.
struct disturbance
{
    testing::fault fault = testing::fault::none;
    testing::direction way = testing::direction::to_client;
    /// So many bytes go this way before it; counted below TLS.
    std::size_t position = 0;
    /// For `fault::delay` and `fault::drip`.
    std::chrono::milliseconds delay{50};
    /// Which connection to the port is disturbed, counted from 0; none: each.
    std::optional<std::size_t> connection = {};
};

/// Stands between a client and a server of this machine, and disturbs their connections as it is
/// told, byte for byte, below TLS. Has a thread of its own; all functions may be called from any
/// thread. Destruction closes every connection and waits for the thread.
class COAUTH_DECL relay
{
public:
    /// A relay to a server at 127.0.0.1. Never fails but for want of resources: then it throws.
    explicit relay(std::uint16_t server_port);
    ~relay();
    relay(relay const&) = delete;
    relay& operator=(relay const&) = delete;

    /// Opens a port of its own; each connection to it is disturbed like this.
    ///
    /// \return The port; `errc::connect_failed` when there is none to be had.
    [[nodiscard]] result<std::uint16_t> open(disturbance const& what = {});
    /// Closes it again. Connections that were made through it go on.
    void close(std::uint16_t port);

    /// How many bytes came from one side, for the other, in all connections to this port.
    [[nodiscard]] std::size_t passed(std::uint16_t port, direction way) const;
    /// How many connections were made to this port.
    [[nodiscard]] std::size_t connections(std::uint16_t port) const;

private:
    class state;
    std::unique_ptr<state> state_;
};

} // namespace coauth::testing

#endif
