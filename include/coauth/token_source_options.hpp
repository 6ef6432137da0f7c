#ifndef COAUTH_TOKEN_SOURCE_OPTIONS_HPP
#define COAUTH_TOKEN_SOURCE_OPTIONS_HPP

#include <coauth/error.hpp>
#include <coauth/export.hpp>
#include <coauth/observer.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace coauth
{

/// How a `token_source` keeps its token good. A plain aggregate; the defaults suit most servers.
struct token_source_options
{
    /// The token is renewed when this share of its life has passed; more than 0, at most 1.
    double renew_after = 0.8;
    /// Minus a random share of its life up to this, drawn for each token, so that a fleet of
    /// servers does not renew in step. At least 0, less than `renew_after`.
    double renew_spread = 0.1;
    /// How long before its end a token is no longer handed out: so much time is left to use it. A
    /// tenth of its life where that is less. At most 365 days.
    std::chrono::milliseconds margin{30'000};
    /// Between two attempts to renew the same token: at least this, or a twentieth of its life
    /// where that is less. At most 365 days.
    std::chrono::milliseconds renew_interval{30'000};
    /// A token is not kept longer than this, whatever life it has; at least 1 s. None: as long as
    /// it lives; a token with no known end until it is invalidated.
    std::optional<std::chrono::seconds> max_age = {};
    /// The wait after a failed fetch is random up to `first_back_off` (at least 1 ms), multiplied
    /// by `back_off_factor` (1 to 100) for each further failure, up to `max_back_off` (at most 24
    /// hours), and never less than a tenth of `first_back_off`; a longer one that the server asks
    /// for is obeyed. After a failure that only a change can mend (wrong credentials,
    /// unknown scope, faulty configuration) it is at least half of `max_back_off` at once, and no
    /// longer for further ones: the change may be made at the server, and is noticed within that
    /// time. Where credentials were refused, others (a secret from a function, a certificate from
    /// files) end the wait, once for each wait.
    std::chrono::milliseconds first_back_off{1'000};
    double back_off_factor = 1.6;
    std::chrono::milliseconds max_back_off{120'000};
    /// Renew the token also while nobody asks for it, and keep at it from `warm_up` or the first
    /// call on. The source then has a timer running, and with it outstanding work in its execution
    /// context, until it is closed. Off: a call that finds the token due starts the renewal in the
    /// background; a token that nobody uses may end, and the next caller waits.
    ///
    /// A token that may be used once (`expires_in` of 0) is of no use ahead of its caller: after
    /// one, none is fetched unasked for the longer of `renew_interval` and `max_back_off`.
    bool renew_unused = false;
    /// End a fetch when the last of those who wait for it has gone. Off, or with `renew_unused`: it
    /// goes on, and the token is there for the next caller.
    bool cancel_abandoned = false;
    /// Tell the client's observer also of each token that was at hand (`token_served`), as of each
    /// that was waited for. That costs every such call two readings of a clock and the observer's
    /// own time; off, they are counted alone.
    bool observe_hits = false;
};

/// What a `token_source` is at.
enum class token_source_state
{
    /// No usable token, and nothing under way: nobody asked yet, or the last one ended.
    empty,
    /// No usable token; one is being fetched.
    fetching,
    /// A usable token.
    fresh,
    /// A usable token that is due for renewal, whether a fetch is under way or not.
    renewing,
    /// No usable token; the last fetch failed, and the next is not begun before `retry_at`.
    back_off,
    /// Closed.
    closed,
};

/// The name of the value, as in `"fresh"`.
[[nodiscard]] COAUTH_DECL std::string_view to_string(token_source_state state) noexcept;

/// How a `token_source` is doing, for health checks and logs. Holds no secret.
struct token_source_status
{
    token_source_state state = token_source_state::empty;
    /// A fetch is under way.
    bool fetching = false;
    /// Operations that wait for it.
    std::size_t waiting = 0;
    /// Of the token held, if there is one: since when, until when it is handed out (no value: no
    /// known end), and from when it is renewed.
    std::optional<std::chrono::system_clock::time_point> obtained_at;
    std::optional<std::chrono::system_clock::time_point> usable_until;
    std::optional<std::chrono::system_clock::time_point> renew_at;
    /// Since the last success: when the first fetch failed, and with what the last one; empty while
    /// all is well. Of a closed source that never failed, `last_error` is why it is closed.
    std::optional<std::chrono::system_clock::time_point> failing_since;
    std::optional<error> last_error;
    /// No fetch is begun before, unless other credentials come or `async_refresh` forces one.
    std::optional<std::chrono::system_clock::time_point> retry_at;

    /// A token can be had at once.
    [[nodiscard]] bool ready() const noexcept
    {
        return state == token_source_state::fresh || state == token_source_state::renewing;
    }
};

/// Fetches of a `token_source`: those that began, and of these, how many ended in which way. Where
/// the sum is less, one is under way.
struct fetch_counts
{
    std::uint64_t started = 0;
    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;
    /// Ended before they had an outcome, as nobody waited any more or the source was closed.
    std::uint64_t abandoned = 0;
};

/// What a `token_source` did since it was made.
struct token_source_counters
{
    /// Calls that got the token at once, synchronous ones included.
    std::uint64_t hits = 0;
    /// Calls that had to wait for a fetch.
    std::uint64_t waits = 0;
    /// Calls that failed at once, since a fetch had failed shortly before or the source is closed.
    std::uint64_t refusals = 0;
    /// Fetches that succeeded or failed, those that failed, and those that succeeded in renewing a
    /// token that was still usable.
    std::uint64_t fetches = 0;
    std::uint64_t failures = 0;
    std::uint64_t renewals = 0;
    /// Tokens dropped by `invalidate`.
    std::uint64_t invalidated = 0;
    /// Fetches by why they began: `by_reason[std::size_t(fetch_reason::renewal)]`.
    std::array<fetch_counts, 5> by_reason = {};
};

} // namespace coauth

#endif
