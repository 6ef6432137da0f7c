#ifndef COAUTH_TOKEN_SOURCE_OPTIONS_HPP
#define COAUTH_TOKEN_SOURCE_OPTIONS_HPP

#include <coauth/access_token.hpp>
#include <coauth/error.hpp>
#include <coauth/export.hpp>
#include <coauth/observer.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace coauth
{

/// Options of a `token_source`. A plain aggregate; the defaults suit most servers.
struct token_source_options
{
    /// The token is refreshed after this share of its lifetime; more than 0, at most 1. If the
    /// response has a member `refresh_in` (seconds), as those of Microsoft Entra have, the token is
    /// refreshed at that time instead.
    double refresh_at = 0.8;
    /// A random share of the lifetime, up to this value, by which the refresh is earlier. It is
    /// drawn for each token, so that the servers of a cluster do not refresh at the same time. At
    /// least 0, less than `refresh_at`.
    double refresh_jitter = 0.1;
    /// A token is not returned any more when it expires within this time, so that callers have time
    /// to use it. At most a tenth of the token's lifetime is used. At most 365 days.
    std::chrono::milliseconds expiry_margin{30'000};
    /// Minimum time between two attempts to refresh the same token. At most a twentieth of the
    /// token's lifetime is used. At most 365 days.
    std::chrono::milliseconds min_refresh_interval{30'000};
    /// Maximum age of a token, whatever its lifetime; at least 1 s. None: the token is used until
    /// it expires, and a token with no known end until it is invalidated.
    std::optional<std::chrono::seconds> max_age = {};
    /// Upper limit of the back-off after the first failed fetch; at least 1 ms. A failed fetch may
    /// be a hiccup, so the first back-offs are short, whatever the server responded.
    ///
    /// The back-off is random, from a tenth of `initial_back_off` up to a limit. The limit starts
    /// at `initial_back_off` and is multiplied by `back_off_factor` for each further failure, up to
    /// `max_back_off`. If the server requests a longer delay, that is used, up to
    /// `max_retry_after`.
    ///
    /// If the server refuses the request (an OAuth error, or status 401), the back-offs are 1 to
    /// 2 s, 4 to 8 s, 16 to 32 s and so on, in proportion to `initial_back_off`, up to
    /// `refused_back_off`: a single refusal costs seconds, and a permanent one locks no account.
    /// New credentials (a secret from a function, a certificate from files) end the back-off, once
    /// for each back-off.
    ///
    /// If nothing was sent, because the configuration or the request is invalid, the back-off is
    /// between half of `max_back_off` and `max_back_off`.
    std::chrono::milliseconds initial_back_off{1'000};
    /// Factor by which the limit of the back-off grows with each further failure; 1 to 100.
    double back_off_factor = 1.6;
    /// Upper limit of the back-off, unless the server refuses the request or requests a longer
    /// delay. At most 24 hours.
    std::chrono::milliseconds max_back_off{120'000};
    /// The longest back-off, up to a quarter longer at random, after the server has refused the
    /// request with the same error at least five times in a row. Until then the limit is
    /// `max_back_off`. With the defaults a server gets at most 10 requests in the first hour and 30
    /// a day. From `initial_back_off` to 24 hours.
    std::chrono::milliseconds refused_back_off{3'600'000};
    /// A longer delay that the server requests (`Retry-After` and similar fields) is cut to this.
    /// 0: ignored. At most 365 days. `token_source::async_get_new_access_token` is never delayed.
    std::chrono::milliseconds max_retry_after{900'000};
    /// Refresh the token even while no call is made, from `warm_up` or the first call on.
    ///
    /// On: the source has a running timer, which is outstanding work of its execution context until
    /// the source is closed. Off: the first call that finds the token due starts the refresh in the
    /// background; an unused token may expire, and the next caller waits.
    ///
    /// A token that may be used once (`expires_in` of 0) cannot be fetched in advance. After such a
    /// token, no fetch starts without a call for the longer of `min_refresh_interval` and
    /// `max_back_off`.
    bool refresh_when_idle = false;
    /// Cancel a fetch when no operation waits for it any more. Off, or with `refresh_when_idle`:
    /// the fetch continues, and the next caller gets its token. A fetch that presents a refresh
    /// token is not cancelled, because the response may have the only token for the next one.
    bool cancel_when_unwaited = false;
    /// Send the observer a `token_served` event also for each token that is returned at once. Each
    /// such call then reads the clock twice and runs the observer. Off: they are only counted.
    bool observe_cache_hits = false;
    /// Called with each token that a fetch returned, before the operations that wait get it: to
    /// save `access_token::refresh_token()`, which a server may replace with each token, or to
    /// share the token. Also called while the source closes, and for a token that arrived too late
    /// to be used. Exceptions from it are ignored.
    ///
    /// Called on the executor, under no lock, for one fetch after the other; must not block. A
    /// fetch may end just when the source is destroyed: the function must own what it uses.
    std::function<void(access_token const&)> on_token = {};
};

/// The states of a `token_source`.
enum class token_source_state
{
    /// No usable token and no fetch: there was no call yet, or the last token expired.
    empty,
    /// No usable token; a fetch is running.
    fetching,
    /// A usable token.
    fresh,
    /// A usable token that is due for a refresh, whether a fetch is running or not.
    refreshing,
    /// No usable token; the last fetch failed, and the next does not start before
    /// `token_source_status::retry_at`.
    back_off,
    /// The source is closed.
    closed,
};

/// The name of the value, such as `"fresh"`.
[[nodiscard]] COAUTH_DECL std::string_view to_string(token_source_state state) noexcept;

/// The status of a `token_source`, for health checks and logs. Contains no secret.
struct token_source_status
{
    /// The state.
    token_source_state state = token_source_state::empty;
    /// True if a fetch is running.
    bool fetching = false;
    /// Number of operations that wait for the fetch.
    std::size_t waiting = 0;
    /// When the current token was obtained. None: there is no token.
    std::optional<std::chrono::system_clock::time_point> obtained_at;
    /// Until when the current token is returned. None: no known end, or there is no token.
    std::optional<std::chrono::system_clock::time_point> usable_until;
    /// When the current token is due for a refresh. None: never, or there is no token.
    std::optional<std::chrono::system_clock::time_point> refresh_at;
    /// When the first fetch since the last success failed. None: the last fetch succeeded, or there
    /// was none.
    std::optional<std::chrono::system_clock::time_point> failing_since;
    /// The error of the last fetch since the last success. For a closed source without one: why it
    /// is closed. None: no error.
    std::optional<error> last_error;
    /// The end of the back-off: no fetch starts before, unless new credentials arrive or
    /// `token_source::async_get_new_access_token` is called. None: there is no back-off.
    std::optional<std::chrono::system_clock::time_point> retry_at;

    /// True if there is a usable token.
    [[nodiscard]] bool ready() const noexcept
    {
        return state == token_source_state::fresh || state == token_source_state::refreshing;
    }
};

/// Counters of the fetches of a `token_source`. If the outcomes add up to less than `started`, a
/// fetch is running.
struct fetch_counts
{
    /// Fetches started.
    std::uint64_t started = 0;
    /// Fetches that succeeded.
    std::uint64_t succeeded = 0;
    /// Fetches that failed.
    std::uint64_t failed = 0;
    /// Fetches cancelled because no operation waited any more or the source was closed.
    std::uint64_t abandoned = 0;
};

/// Counters of a `token_source` since it was created.
struct token_source_counters
{
    /// Calls that got the token at once, including `token_source::try_get`.
    std::uint64_t hits = 0;
    /// Calls that waited for a fetch.
    std::uint64_t waits = 0;
    /// Calls that failed at once, because of a back-off or because the source is closed.
    std::uint64_t fast_failures = 0;
    /// Fetches that succeeded or failed.
    std::uint64_t fetches = 0;
    /// Fetches that failed.
    std::uint64_t failures = 0;
    /// Fetches that replaced a token that was still usable.
    std::uint64_t refreshes = 0;
    /// Tokens dropped by `token_source::invalidate`.
    std::uint64_t invalidated = 0;
    /// Fetches by reason, such as `by_reason[std::size_t(fetch_reason::refresh)]`.
    std::array<fetch_counts, 5> by_reason = {};
};

} // namespace coauth

#endif
