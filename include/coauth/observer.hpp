#ifndef COAUTH_OBSERVER_HPP
#define COAUTH_OBSERVER_HPP

#include <coauth/error.hpp>
#include <coauth/export.hpp>

#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace coauth
{

/// The phases of an exchange with a server, in order.
enum class phase
{
    /// The lookup of the host name.
    lookup,
    /// The TCP connection, and the tunnel through a proxy.
    connect,
    /// The TLS handshake.
    tls,
    /// Writing the request.
    request,
    /// Reading the response.
    response,
};

/// The name of the phase, such as `"lookup"`.
[[nodiscard]] COAUTH_DECL std::string_view to_string(phase p) noexcept;

/// Whose an event is: every event has one, so that an observer of several clients can label and
/// trace. The views are valid during the call of the observer.
struct event_context
{
    /// `client_config::name`, or `token_fetcher_options::name`. Empty: it has no name.
    std::string_view client;
    /// The URL of the endpoint, without its query. Events of a token source: that of its client's
    /// token endpoint, or the issuer whose metadata name it; empty for a function. Of
    /// `connection_closed`: the origin, because a connection serves all its endpoints.
    std::string_view endpoint;
    /// The number of the operation of a client or the fetch of a token source, unique in this
    /// process. A fetch and the operation of its client have the same. 0: the event is part of
    /// none, such as the end of an idle connection.
    std::uint64_t operation = 0;
};

/// A phase of an exchange ended.
struct phase_ended
{
    /// The phase.
    coauth::phase phase;
    /// When the phase began, counted from the start of the operation.
    std::chrono::steady_clock::duration start;
    /// The duration of the phase.
    std::chrono::steady_clock::duration duration;
    /// Set if the phase failed, and the exchange with it.
    boost::system::error_code failure;
    /// Whose it is.
    event_context context = {};
};

/// A connection was opened: TCP and TLS are established.
struct connection_opened
{
    /// The time that took.
    std::chrono::steady_clock::duration duration;
    /// True if an earlier TLS session was resumed.
    bool resumed;
    /// Whose it is.
    event_context context = {};
};

/// An operation reuses a pooled connection.
struct connection_reused
{
    /// Whose it is.
    event_context context = {};
};

/// A reused connection is silent: the request is sent on a new connection too (see
/// `connection_options::hedging_delay`).
struct request_hedged
{
    /// How long the connection has been silent.
    std::chrono::steady_clock::duration silence;
    /// Whose it is.
    event_context context = {};
};

/// A connection was closed, for any reason. The event is part of no operation.
struct connection_closed
{
    /// The number of requests that it carried.
    unsigned requests;
    /// Whose it is.
    event_context context = {};
};

/// An attempt begins: the first of an operation, or a retry.
struct attempt_started
{
    /// The number of the attempt, counted from 1.
    unsigned number;
    /// Whose it is.
    event_context context = {};
};

/// An attempt failed.
struct attempt_failed
{
    /// The number of the attempt, counted from 1.
    unsigned number;
    /// The duration of the attempt.
    std::chrono::steady_clock::duration duration;
    /// The error. The reference is valid during the call.
    coauth::error const& error;
    /// The delay before the next attempt. None: there is no further attempt.
    std::optional<std::chrono::steady_clock::duration> retry_in;
    /// Whose it is.
    event_context context = {};
};

/// An operation returned a token.
struct token_received
{
    /// The duration of the operation.
    std::chrono::steady_clock::duration duration;
    /// The number of attempts made.
    unsigned attempts;
    /// Whose it is.
    event_context context = {};
};

/// Why a `token_source` fetches a token.
enum class fetch_reason
{
    /// There was no token yet.
    empty,
    /// The last token expired.
    expired,
    /// The token expires soon; callers get it meanwhile.
    refresh,
    /// The token was invalidated.
    invalidated,
    /// The program called `token_source::async_get_new_access_token`.
    forced,
};

/// The name of the reason, such as `"refresh"`.
[[nodiscard]] COAUTH_DECL std::string_view to_string(fetch_reason reason) noexcept;

/// A token source starts to fetch a token.
struct fetch_started
{
    /// Why.
    fetch_reason reason;
    /// Whose it is.
    event_context context = {};
};

/// A token source fetched a token.
struct fetch_succeeded
{
    /// Why the token was fetched.
    fetch_reason reason;
    /// The duration of the fetch.
    std::chrono::steady_clock::duration duration;
    /// The number of operations that waited for it.
    std::size_t waiting;
    /// How long the source will return the token. None: no known end. Zero: only the waiting
    /// operations get it, because it may be used once.
    std::optional<std::chrono::steady_clock::duration> usable_for;
    /// Whose it is.
    event_context context = {};
};

/// A token source failed to fetch a token.
struct fetch_failed
{
    /// Why the token was to be fetched.
    fetch_reason reason;
    /// The duration of the fetch.
    std::chrono::steady_clock::duration duration;
    /// The number of operations that waited for it. They all get the error.
    std::size_t waiting;
    /// The error. The reference is valid during the call.
    coauth::error const& error;
    /// The back-off: the time until the next fetch may start.
    std::chrono::steady_clock::duration retry_in;
    /// How long the source will still return the previous token. None: there is none. The maximum
    /// of the type: no known end.
    std::optional<std::chrono::steady_clock::duration> usable_for;
    /// Whose it is.
    event_context context = {};
};

/// A token source cancelled a fetch: no operation waited for it any more (see
/// `token_source_options::cancel_when_unwaited`), or the source was closed. This is not a failure.
struct fetch_abandoned
{
    /// Why the token was to be fetched.
    fetch_reason reason;
    /// The time from the start of the fetch to its cancellation.
    std::chrono::steady_clock::duration duration;
    /// Whose it is.
    event_context context = {};
};

/// A token source returned a token to an operation that waited for it; with
/// `token_source_options::observe_cache_hits`, also to a call that got it at once.
struct token_served
{
    /// How long the caller waited. None: it got the token at once.
    std::optional<std::chrono::steady_clock::duration> wait;
    /// The age of the token, counted from its request.
    std::chrono::steady_clock::duration age;
    /// As `fetch_succeeded::usable_for`, from now on.
    std::optional<std::chrono::steady_clock::duration> usable_for;
    /// Whose it is.
    event_context context = {};
};

/// A token source dropped its token because it was invalidated.
struct token_invalidated
{
    /// The age of the token.
    std::chrono::steady_clock::duration age;
    /// Whose it is.
    event_context context = {};
};

/// The operations of a `token_store`.
enum class store_operation
{
    /// `token_store::async_load`.
    load,
    /// `token_store::async_claim`.
    claim,
    /// `token_store::async_renew`.
    renew,
    /// `token_store::async_publish`.
    publish,
    /// `token_store::async_release`.
    release,
    /// `token_store::async_remove_if`.
    remove_if,
};

/// The name of the operation, such as `"load"`.
[[nodiscard]] COAUTH_DECL std::string_view to_string(store_operation operation) noexcept;

/// An operation of a token store ended.
struct store_operation_ended
{
    /// The operation.
    store_operation operation;
    /// The duration of the operation.
    std::chrono::steady_clock::duration duration;
    /// The error. Null: it succeeded. The pointer is valid during the call.
    coauth::error const* error;
    /// Whose it is.
    event_context context = {};
};

/// A fetch with `shared_tokens` got its token from the store.
struct shared_token_found
{
    /// How long it waited for another process, which fetched the token. Zero: it was there.
    std::chrono::steady_clock::duration wait;
    /// Whose it is.
    event_context context = {};
};

/// Whether a process of a fleet is the one that fetches.
enum class claim_outcome
{
    /// It is: it has the claim.
    won,
    /// Another has the claim.
    held,
    /// It had the claim and lost it before it could publish the token.
    lost,
};

/// The name of the outcome, such as `"won"`.
[[nodiscard]] COAUTH_DECL std::string_view to_string(claim_outcome outcome) noexcept;

/// A fetch with `shared_tokens` claimed a token, or lost its claim.
struct claim_ended
{
    /// The outcome.
    claim_outcome outcome;
    /// Whose it is.
    event_context context = {};
};

/// A fetch with `shared_tokens` goes on without the store.
struct store_bypassed
{
    /// The error of the store. Null: it has failed of late, and is not tried before a while has
    /// passed. The pointer is valid during the call.
    coauth::error const* error;
    /// Whose it is.
    event_context context = {};
};

/// A record in the store cannot be used. It will be replaced.
struct record_unusable
{
    /// Why. The reference is valid during the call.
    coauth::error const& error;
    /// Whose it is.
    event_context context = {};
};

/// Receives the events of a client and its token sources. Derive from it and override the functions
/// you need. No event contains a secret.
///
/// The functions must return quickly. Exceptions they throw are ignored.
///
/// \par Thread safety
/// Functions are called from any thread that runs the client's executor: one after another for one
/// operation, concurrently for different operations. `on_token_invalidated` is called from the
/// thread that invalidates, and `on_token_served` for a token returned at once from the caller's
/// thread.
class COAUTH_DECL observer
{
public:
    /// Does nothing.
    virtual ~observer();

    /// A phase of an exchange ended.
    virtual void on_phase_ended(phase_ended const&) {}
    /// A connection was opened.
    virtual void on_connection_opened(connection_opened const&) {}
    /// An operation reuses a pooled connection.
    virtual void on_connection_reused(connection_reused const&) {}
    /// A reused connection is silent: its request is sent on a new connection too.
    virtual void on_request_hedged(request_hedged const&) {}
    /// A connection was closed.
    virtual void on_connection_closed(connection_closed const&) {}
    /// An attempt begins.
    virtual void on_attempt_started(attempt_started const&) {}
    /// An attempt failed.
    virtual void on_attempt_failed(attempt_failed const&) {}
    /// An operation returned a token.
    virtual void on_token_received(token_received const&) {}
    /// A token source starts to fetch a token.
    virtual void on_fetch_started(fetch_started const&) {}
    /// A token source fetched a token.
    virtual void on_fetch_succeeded(fetch_succeeded const&) {}
    /// A token source failed to fetch a token.
    virtual void on_fetch_failed(fetch_failed const&) {}
    /// A token source dropped an invalidated token.
    virtual void on_token_invalidated(token_invalidated const&) {}
    /// A token source cancelled a fetch.
    virtual void on_fetch_abandoned(fetch_abandoned const&) {}
    /// A token source returned a token.
    virtual void on_token_served(token_served const&) {}
    /// An operation of a token store ended. For `renew` and `release` called from the threads of
    /// the store.
    virtual void on_store_operation_ended(store_operation_ended const&) {}
    /// A fetch got its token from the store.
    virtual void on_shared_token_found(shared_token_found const&) {}
    /// A fetch claimed a token, or lost its claim.
    virtual void on_claim_ended(claim_ended const&) {}
    /// A fetch goes on without the store.
    virtual void on_store_bypassed(store_bypassed const&) {}
    /// A record in the store cannot be used.
    virtual void on_record_unusable(record_unusable const&) {}
};

} // namespace coauth

#endif
