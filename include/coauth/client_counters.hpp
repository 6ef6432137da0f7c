#ifndef COAUTH_CLIENT_COUNTERS_HPP
#define COAUTH_CLIENT_COUNTERS_HPP

#include <cstddef>
#include <cstdint>

namespace coauth
{

/// Counters of a client since it was created, and its connections now.
struct client_counters
{
    /// Operations that returned a token.
    std::uint64_t tokens = 0;
    /// Operations for a token that failed.
    std::uint64_t failures = 0;
    /// Requests of all operations, retries included.
    std::uint64_t attempts = 0;
    /// Connections opened.
    std::uint64_t connections_opened = 0;
    /// Connections opened that resumed a TLS session.
    std::uint64_t sessions_resumed = 0;
    /// Times that an operation reused a pooled connection.
    std::uint64_t connections_reused = 0;
    /// Requests sent a second time because a reused connection was silent.
    std::uint64_t hedged_requests = 0;
    /// Connections open now, idle ones included.
    std::size_t open = 0;
    /// Connections idle now.
    std::size_t idle = 0;
    /// Operations waiting for a connection now.
    std::size_t waiting = 0;
};

} // namespace coauth

#endif
