#ifndef COAUTH_SRC_POLICY_REFRESH_POLICY_HPP
#define COAUTH_SRC_POLICY_REFRESH_POLICY_HPP

#include <coauth/access_token.hpp>
#include <coauth/observer.hpp>
#include <coauth/result.hpp>
#include <coauth/token_source_options.hpp>

#include "policy/waiter_list.hpp"

#include <chrono>
#include <optional>

namespace coauth::policy
{

// Now, on both clocks.
struct moment
{
    std::chrono::system_clock::time_point wall;
    std::chrono::steady_clock::time_point steady;
};

// A moment of the future on both clocks: it has come when either says so.
struct dual_time
{
    std::chrono::system_clock::time_point wall = std::chrono::system_clock::time_point::max();
    std::chrono::steady_clock::time_point steady = std::chrono::steady_clock::time_point::max();

    [[nodiscard]] bool come(moment now) const noexcept
    {
        return now.wall >= wall || now.steady >= steady;
    }
};

// From when a token is renewed, and until when it is handed out.
struct token_life
{
    dual_time renew;
    dual_time end;
};

// The life of a token as a source sees it. `random` is uniform in [0, 1).
token_life
life_of(access_token const& token, token_source_options const& options, double random) noexcept;

// How long to wait after so many failures in a row, the last of which was `why`.
std::chrono::nanoseconds
back_off(error const& why, unsigned failures, token_source_options const& options, double random);

// Success, or which option is out of its range.
result<void> check(token_source_options const& options);

// What a token source does, and when. It is told of every event and returns what to do; it keeps no
// time, draws no lots and fetches nothing itself.
class refresh_policy
{
public:
    using steady_time = std::chrono::steady_clock::time_point;

    enum class verdict
    {
        // `token` is good.
        serve,
        // The caller is in the list, and is in a later `fetch_result`.
        wait,
        // `why` says why not.
        refuse,
    };

    struct response
    {
        verdict what = verdict::refuse;
        access_token token;
        error why;
        // Begin a fetch.
        std::optional<fetch_reason> fetch;
    };

    // What follows from the end of a fetch.
    struct fetch_result
    {
        // Those who waited, and what they get.
        waiter_batch done;
        result<access_token> outcome = error(errc::cancelled);
        // The fetch had been given up, or the source was closed: neither success nor failure.
        bool abandoned = false;
        // Another fetch is to begin: somebody came after the one that ended had been given up.
        std::optional<fetch_reason> fetch;
    };

    explicit refresh_policy(token_source_options const& options) : options_(options) {}

    // Somebody wants a token. In every response but `wait`, `who` is left alone; its time limit, if
    // any, has been set before.
    response get(moment now, waiter_base& who);
    // Somebody wants a new token.
    response refresh(moment now, waiter_base& who);
    // Nobody waits; is a fetch to begin? `wanted`: also when there is no token at all.
    std::optional<fetch_reason> next_action(moment now, bool wanted);

    // Somebody who waits was cancelled. False: it does not wait any more, and is completed
    // otherwise.
    bool leave(waiter_base& who);
    // It waits again after all.
    void requeue(waiter_base& who) { waiting_.push(who); }
    // The next one whose time limit has come; null: there is none.
    waiter_base* pop_expired(steady_time now);
    // Nobody waits for the fetch any more: is it to be ended? Said once.
    bool should_cancel_fetch();
    // The fetch that was to begin could not be begun.
    void on_fetch_not_started() { fetching_.reset(); }

    // The fetch ended.
    fetch_result on_fetch_complete(moment now, result<access_token> outcome, double random);
    // Drops the token if it is this one.
    bool invalidate(moment now, access_token const& token);
    // Other credentials are there than those that failed. They end the wait, but not that after
    // them too: some are new each time, and refused each time.
    void credentials_changed(moment now);
    // Ends it for good. Those who wait get `why` when the fetch under way has ended.
    void close(error const& why);
    // Those who wait, who are never to be completed.
    waiter_batch drop_all() { return waiting_.take_all(); }

    // The token that is handed out now, if any, and its life.
    [[nodiscard]] access_token const* usable(moment now) const;
    [[nodiscard]] token_life const& life() const noexcept { return life_; }
    [[nodiscard]] std::chrono::system_clock::time_point obtained_at() const noexcept
    {
        return obtained_;
    }
    // It failed in a way that other credentials may mend.
    [[nodiscard]] bool wants_other_credentials() const noexcept;

    // When `next_action` will next begin something, unless somebody calls before; none: never.
    [[nodiscard]] std::optional<steady_time> next_renewal(moment now) const;
    // When the next time limit comes.
    [[nodiscard]] std::optional<steady_time> next_limit() const { return waiting_.next_limit(); }
    // How long no fetch is begun.
    [[nodiscard]] std::chrono::nanoseconds back_off_remaining(moment now) const noexcept;

    [[nodiscard]] bool fetching() const noexcept { return fetching_.has_value(); }
    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }
    [[nodiscard]] bool closed() const noexcept { return closed_.has_value(); }
    [[nodiscard]] token_source_status status(moment now) const;

private:
    fetch_reason begin(fetch_reason why, moment now);
    [[nodiscard]] fetch_reason fetch_reason_when_empty() const noexcept;
    [[nodiscard]] bool due(moment now) const;
    void keep(moment now, access_token token, double random);
    void store_same_token(moment now, access_token token, double random);
    void fail(moment now, error const& why, double random);
    void delay_refresh(moment now) noexcept;

    token_source_options options_;
    access_token token_;
    token_life life_;
    std::chrono::system_clock::time_point obtained_;
    // Why there is no token.
    fetch_reason none_since_ = fetch_reason::empty;
    // The token that was invalidated last; when it comes back, or one after another is refused,
    // until when that is not heard again.
    access_token refused_;
    steady_time refused_until_ = steady_time::min();
    unsigned refused_again_ = 0;
    // When the present token came, and how many in a row were invalidated soon after.
    steady_time kept_at_ = steady_time::min();
    unsigned early_rejections_ = 0;

    std::optional<fetch_reason> fetching_;
    // The fetch under way was given up.
    bool given_up_ = false;
    waiter_list waiting_;

    // No renewal of the present token, and no fetch at all, is begun before.
    steady_time no_renewal_before_ = steady_time::min();
    steady_time fetch_not_before_ = steady_time::min();
    // The latter as the server named it: nothing overrides that.
    steady_time server_retry_after_ = steady_time::min();
    // Nor do other credentials end a wait before.
    steady_time credential_change_not_before_ = steady_time::min();
    // The former for whatever nobody waits for.
    steady_time background_fetch_not_before_ = steady_time::min();
    unsigned failures_ = 0;
    std::optional<error> failure_;
    std::chrono::system_clock::time_point failing_since_;

    // Why it is closed.
    std::optional<error> closed_;
};

} // namespace coauth::policy

#endif
