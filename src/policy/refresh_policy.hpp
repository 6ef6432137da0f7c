#ifndef COAUTH_SRC_POLICY_REFRESH_POLICY_HPP
#define COAUTH_SRC_POLICY_REFRESH_POLICY_HPP

#include <coauth/access_token.hpp>
#include <coauth/observer.hpp>
#include <coauth/result.hpp>
#include <coauth/token_source_options.hpp>

#include "policy/refresh_times.hpp"
#include "policy/waiter_list.hpp"

#include <chrono>
#include <optional>

namespace coauth::policy
{

// Decides what a token source does, and when. The source reports each event and does what is
// returned. Clocks and randomness are arguments.
class refresh_policy
{
public:
    using steady_time = std::chrono::steady_clock::time_point;

    enum class decision_kind
    {
        // Return `token`.
        serve,
        // The waiter was added to the list, and will be in a `fetch_result`.
        wait,
        // Return `failure`.
        refuse,
    };

    struct decision
    {
        decision_kind kind = decision_kind::refuse;
        access_token token;
        error failure;
        // Start a fetch.
        std::optional<fetch_reason> fetch;
    };

    // What to do after the end of a fetch.
    struct fetch_result
    {
        // The operations to complete, and their outcome.
        waiter_batch waiters;
        result<access_token> outcome = error(errc::cancelled);
        // The fetch was cancelled, or the source was closed: neither success nor failure.
        bool abandoned = false;
        // Start another fetch: an operation arrived after the fetch had been cancelled.
        std::optional<fetch_reason> fetch;
    };

    explicit refresh_policy(token_source_options const& options) : options_(options) {}

    // A call wants a token. `waiter` is used only for the decision `wait`. Its time limit is
    // already set.
    decision get(clock_pair now, waiter_base& waiter);
    // A call wants a new token.
    decision get_new(clock_pair now, waiter_base& waiter);
    // Returns a fetch to start although no call waits. `wanted`: also if there is no token.
    std::optional<fetch_reason> next_action(clock_pair now, bool wanted);

    // Removes a waiter that was cancelled. False: it does not wait any more.
    bool remove(waiter_base& waiter);
    // Adds it again, because its completion could not be posted.
    void requeue(waiter_base& waiter) { waiters_.push(waiter); }
    // Removes a waiter whose time limit is reached. Null: there is none.
    waiter_base* pop_expired(steady_time now);
    // True once if the running fetch is to be cancelled because no operation waits for it.
    bool should_cancel_fetch();
    // When the fetch that a decision starts is to be sent: now, or up to a second later if the
    // server returns single-use tokens. Operations wait meanwhile.
    [[nodiscard]] steady_time fetch_start() const noexcept { return fetch_start_; }
    // The fetch could not be started.
    void on_fetch_not_started() { running_fetch_.reset(); }

    // The fetch ended.
    fetch_result on_fetch_complete(clock_pair now, result<access_token> outcome, double random);
    // Drops the token if it is the current one.
    bool invalidate(clock_pair now, access_token const& token);
    // The credentials changed since the last failure. Ends the current back-off once. The first
    // change since the last success also makes the next back-off short again; for later changes the
    // back-off after them is longer by the time that they saved, so that a provider that returns a
    // new secret on every call does not cause more requests. False: it had no effect.
    bool credentials_changed(clock_pair now);
    // Closes the source. Waiters get `reason` when the running fetch has ended.
    void close(error const& reason);
    // Removes all waiters.
    waiter_batch take_waiters() { return waiters_.take_all(); }

    // The token that is returned now, or null.
    [[nodiscard]] access_token const* usable_token(clock_pair now) const;
    // The token that is or was returned last; empty: it was rejected, or there was none.
    [[nodiscard]] access_token const& current_token() const noexcept { return token_; }
    // The token that was rejected last; empty: a newer one was stored since.
    [[nodiscard]] access_token const& rejected_token() const noexcept { return rejected_; }
    [[nodiscard]] token_times const& times() const noexcept { return times_; }
    [[nodiscard]] std::chrono::system_clock::time_point obtained_at() const noexcept
    {
        return obtained_at_;
    }
    // The last fetch failed in a way that other credentials may correct.
    [[nodiscard]] bool wants_new_credentials() const noexcept;

    // When `next_action` will next start a fetch if there are no calls. None: never.
    [[nodiscard]] std::optional<steady_time> next_refresh(clock_pair now) const;
    // The earliest time limit of a waiter.
    [[nodiscard]] std::optional<steady_time> next_time_limit() const
    {
        return waiters_.next_limit();
    }
    [[nodiscard]] std::chrono::nanoseconds back_off_remaining(clock_pair now) const noexcept;

    [[nodiscard]] bool is_fetching() const noexcept { return running_fetch_.has_value(); }
    [[nodiscard]] std::size_t waiter_count() const noexcept { return waiters_.size(); }
    [[nodiscard]] bool closed() const noexcept { return close_reason_.has_value(); }
    [[nodiscard]] token_source_status status(clock_pair now) const;

private:
    fetch_reason start_fetch(fetch_reason reason, clock_pair now);
    [[nodiscard]] fetch_reason fetch_reason_when_empty() const noexcept;
    [[nodiscard]] bool is_due(clock_pair now) const;
    [[nodiscard]] decision refuse() const;
    decision wait(waiter_base& waiter, fetch_reason reason, clock_pair now);
    void on_success(clock_pair now, access_token const& token, double random);
    void store(clock_pair now, access_token token, double random);
    void store_same_token(clock_pair now, access_token token, double random);
    void on_failure(clock_pair now, error const& failure, double random);
    [[nodiscard]] failure_count count_with(error const& failure) const;
    void delay_refresh(clock_pair now) noexcept;

    token_source_options options_;

    access_token token_;
    token_times times_;
    std::chrono::system_clock::time_point obtained_at_;
    steady_time stored_at_ = steady_time::min();
    // Why there is no token.
    fetch_reason empty_reason_ = fetch_reason::empty;

    // The token that was rejected last, and how many times in a row the server returned it again.
    access_token rejected_;
    unsigned rejected_again_ = 0;
    // How many tokens in a row were rejected soon after they were stored.
    unsigned early_rejections_ = 0;
    // Until then rejections are ignored, because the server returned a rejected token again, or one
    // token after the other was rejected.
    steady_time rejections_ignored_until_ = steady_time::min();

    std::optional<fetch_reason> running_fetch_;
    bool fetch_cancelled_ = false;
    waiter_list waiters_;

    // No refresh of the current token starts before.
    steady_time refresh_not_before_ = steady_time::min();
    // The end of the back-off: no fetch starts before, unless it is forced.
    steady_time fetch_not_before_ = steady_time::min();
    // No fetch that no call waits for starts before.
    steady_time background_fetch_not_before_ = steady_time::min();
    // The end of the delay that the server requested.
    steady_time server_retry_after_ = steady_time::min();
    // A change of the credentials has no effect before.
    steady_time credential_change_not_before_ = steady_time::min();
    bool credentials_changed_ = false;
    // The next back-off starts now, or then if that is later.
    steady_time back_off_start_ = steady_time::min();
    steady_time fetch_start_ = steady_time::min();
    // No fetch, except a forced one, is sent before: the server returns single-use tokens.
    steady_time send_not_before_ = steady_time::min();

    // Since the last success.
    failure_count count_;
    std::optional<error> last_failure_;
    std::chrono::system_clock::time_point failing_since_;

    std::optional<error> close_reason_;
};

} // namespace coauth::policy

#endif
