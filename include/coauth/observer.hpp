#ifndef COAUTH_OBSERVER_HPP
#define COAUTH_OBSERVER_HPP

#include <coauth/export.hpp>

#include <boost/system/error_code.hpp>

#include <chrono>
#include <string_view>

namespace coauth
{

/// The phases of one exchange with a server, in their order.
enum class phase
{
    lookup,
    connect,
    tls,
    request,
    answer,
};

/// The name of the phase, as in `"lookup"`.
[[nodiscard]] COAUTH_DECL std::string_view to_string(phase p) noexcept;

/// A phase of an exchange ended.
struct phase_ended
{
    phase what;
    /// Since the operation began.
    std::chrono::steady_clock::duration began_after;
    std::chrono::steady_clock::duration took;
    /// Set when the phase, and the exchange with it, failed.
    boost::system::error_code failure;
};

/// Told what happens inside a client; derive from it and override what is of interest.
///
/// Its functions are called from any thread that runs the client's executor, one after another for
/// one operation, concurrently for different ones. They must return soon. What they throw is
/// swallowed. No event holds a secret.
class COAUTH_DECL observer
{
public:
    virtual ~observer();

    virtual void on_phase_ended(phase_ended const&) {}
};

} // namespace coauth

#endif
