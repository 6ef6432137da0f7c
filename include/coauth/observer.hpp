#ifndef COAUTH_OBSERVER_HPP
#define COAUTH_OBSERVER_HPP

#include <coauth/error.hpp>
#include <coauth/export.hpp>

#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

namespace coauth
{

/// The phases of one exchange with a server, in their order.
enum class phase
{
    lookup,
    /// A proxy's tunnel included.
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

/// A connection is open: connected, and TLS agreed.
struct connection_opened
{
    std::chrono::steady_clock::duration took;
    /// The TLS session of an earlier connection was resumed.
    bool resumed;
};

/// An operation goes on over a connection that served others before.
struct connection_reused
{
};

/// A connection was closed, for whatever reason.
struct connection_closed
{
    /// Requests that it carried.
    unsigned requests;
};

/// A request is about to be made: the first of an operation, or a repetition.
struct attempt_started
{
    unsigned number;
};

/// A request did not yield a token.
struct attempt_failed
{
    unsigned number;
    std::chrono::steady_clock::duration took;
    error const& why;
    /// How long until the next attempt; none: there is none.
    std::optional<std::chrono::steady_clock::duration> next_in;
};

/// An operation yielded a token.
struct token_received
{
    std::chrono::steady_clock::duration took;
    unsigned attempts;
};

/// Why a `token_source` fetches a token.
enum class fetch_reason
{
    /// There was none yet.
    empty,
    /// The last one ended.
    expired,
    /// It nears its end; it is used meanwhile.
    renewal,
    /// It was invalidated.
    invalidated,
    /// The program asked for a new one.
    forced,
};

/// The name of the reason, as in `"renewal"`.
[[nodiscard]] COAUTH_DECL std::string_view to_string(fetch_reason reason) noexcept;

/// A token source begins to fetch a token.
struct fetch_started
{
    fetch_reason reason;
};

/// A token source got the token that it fetched.
struct fetch_succeeded
{
    fetch_reason reason;
    std::chrono::steady_clock::duration took;
    /// Operations that waited for it.
    std::size_t waiting;
    /// How long it will be handed out; none: it has no known end; zero: it may be used once, so
    /// that those who waited get it, and nobody else.
    std::optional<std::chrono::steady_clock::duration> usable_for;
};

/// A token source did not get the token that it fetched.
struct fetch_failed
{
    fetch_reason reason;
    std::chrono::steady_clock::duration took;
    /// Operations that waited for it: they all get the error.
    std::size_t waiting;
    error const& why;
    /// No other fetch is begun before.
    std::chrono::steady_clock::duration next_in;
    /// How long the token before is still handed out; none: there is none.
    std::optional<std::chrono::steady_clock::duration> usable_for;
};

/// A token source ended a fetch before it had an outcome: nobody waited for it any more (see
/// `token_source_options::cancel_abandoned`), or the source was closed. Nothing failed.
struct fetch_abandoned
{
    fetch_reason reason;
    std::chrono::steady_clock::duration took;
};

/// A token source handed out a token: to one who waited for it, or, where
/// `token_source_options::observe_hits` is set, at once.
struct token_served
{
    /// How long the caller waited; none: the token was at hand.
    std::optional<std::chrono::steady_clock::duration> waited;
    /// Of the token, since it was asked for.
    std::chrono::steady_clock::duration age;
    /// As `fetch_succeeded::usable_for`, from now.
    std::optional<std::chrono::steady_clock::duration> usable_for;
};

/// A token source dropped its token since it was invalidated.
struct token_invalidated
{
    /// Since it was obtained.
    std::chrono::steady_clock::duration age;
};

/// Told what happens inside a client and its token sources; derive from it and override what is of
/// interest.
///
/// Its functions are called from any thread that runs the client's executor
/// (`on_token_invalidated`: from the thread that invalidates; `on_token_served` of a token at hand:
/// from the thread that asks), one after another for one operation, concurrently for different
/// ones. They must return soon. What they throw is swallowed. No event holds a secret.
class COAUTH_DECL observer
{
public:
    virtual ~observer();

    virtual void on_phase_ended(phase_ended const&) {}
    virtual void on_connection_opened(connection_opened const&) {}
    virtual void on_connection_reused(connection_reused const&) {}
    virtual void on_connection_closed(connection_closed const&) {}
    virtual void on_attempt_started(attempt_started const&) {}
    virtual void on_attempt_failed(attempt_failed const&) {}
    virtual void on_token_received(token_received const&) {}
    virtual void on_fetch_started(fetch_started const&) {}
    virtual void on_fetch_succeeded(fetch_succeeded const&) {}
    virtual void on_fetch_failed(fetch_failed const&) {}
    virtual void on_token_invalidated(token_invalidated const&) {}
    virtual void on_fetch_abandoned(fetch_abandoned const&) {}
    virtual void on_token_served(token_served const&) {}
};

} // namespace coauth

#endif
