#ifndef COAUTH_SRC_NET_TLS_SOURCE_HPP
#define COAUTH_SRC_NET_TLS_SOURCE_HPP

#include <coauth/export.hpp>

#include "net/client_certificate.hpp"
#include "net/tls_context.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>

namespace coauth::net
{

// What TLS needs for one connection. If equal, a connection opened with one may be used with the
// other.
struct tls_parameters
{
    std::shared_ptr<tls_context> context;
    // Null: there is no client certificate.
    std::shared_ptr<certificate_chain const> certificate;

    friend bool operator==(tls_parameters const&, tls_parameters const&) = default;
};

// The TLS parameters of a client's options. They follow the files that the options name, and the
// system's trust store. Safe from any thread.
class COAUTH_DECL tls_source
{
public:
    using clock = client_certificate::clock;

    explicit tls_source(tls_options const& options);

    // The parameters of a new connection, or why there can be none. Parameters that cannot be
    // loaded again keep their previous values for a grace period.
    result<tls_parameters> current(clock::time_point now = clock::now());
    // Whether a connection of these parameters may be used, by the files as they were at most
    // `max_age` ago: requests may share one look at them.
    bool is_current(
        tls_parameters const& used, clock::duration max_age, clock::time_point now = clock::now());
    // Changes with the parameters.
    [[nodiscard]] std::uint64_t generation() const noexcept
    {
        return context_->generation() + certificate_.generation();
    }

private:
    // Shared with other clients, but each has a grace of its own: a client that is created while
    // files are damaged reports that.
    std::shared_ptr<tls_context_source> const context_;
    detail::last_good<tls_context_source::context_ptr> last_good_;
    client_certificate certificate_;

    std::mutex mutex_;
    clock::time_point checked_at_;
    tls_parameters checked_;
};

} // namespace coauth::net

#endif
