#include "policy/refresh_policy.hpp"

#include "values/saturating_time.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace coauth::policy
{
namespace
{

using detail::after;
using detail::between;
using std::chrono::nanoseconds;
using std::chrono::seconds;

// An API that rejects every token must not cause a fetch for each of its responses: after this
// number of tokens in a row that were rejected this soon after they were stored, rejections are
// ignored for a back-off.
constexpr seconds early_rejection_window{30};
constexpr unsigned early_rejection_limit = 4;

dual_time earlier(dual_time a, dual_time b) noexcept
{
    return {std::min(a.wall, b.wall), std::min(a.steady, b.steady)};
}

// Single-use tokens are requested at most this often; all calls meanwhile share one.
constexpr seconds single_use_interval{1};

// A token that may be used once: it goes to the waiters and is not stored.
bool is_single_use(access_token const& token) noexcept
{
    return token.lifetime() == seconds(0);
}

// The failure with the time at which the next fetch may start.
error with_retry_at(error const& failure, std::chrono::system_clock::time_point retry_at)
{
    auto info = failure.info();
    info.retry_at = retry_at;
    return {failure.value(), std::move(info)};
}

error expired_on_arrival(access_token const& token, token_source_options const& options)
{
    error_info info;
    auto const lifetime = std::chrono::duration_cast<seconds>(*usable_lifetime(token, options));
    info.context = "the token's lifetime of " + std::to_string(lifetime.count()) +
                   " s was over before its response came";
    info.http_status = token.http_status();
    return {errc::timeout, std::move(info)};
}

} // namespace

access_token const* refresh_policy::usable_token(clock_pair now) const
{
    return token_.empty() || closed() || times_.end.reached(now) ? nullptr : &token_;
}

refresh_policy::decision refresh_policy::get(clock_pair now, waiter_base& waiter)
{
    if (auto const* const token = usable_token(now))
    {
        decision serve;
        serve.kind = decision_kind::serve;
        serve.token = *token;
        serve.fetch = next_action(now, false);
        return serve;
    }
    if (closed() || (!is_fetching() && now.steady < fetch_not_before_))
        return refuse();
    return wait(waiter, fetch_reason_when_empty(), now);
}

refresh_policy::decision refresh_policy::get_new(clock_pair now, waiter_base& waiter)
{
    return closed() ? refuse() : wait(waiter, fetch_reason::forced, now);
}

refresh_policy::decision refresh_policy::refuse() const
{
    decision refuse;
    refuse.failure = close_reason_ ? *close_reason_ : *last_failure_;
    return refuse;
}

refresh_policy::decision
refresh_policy::wait(waiter_base& waiter, fetch_reason reason, clock_pair now)
{
    decision wait;
    waiters_.push(waiter);
    wait.kind = decision_kind::wait;
    if (!is_fetching())
        wait.fetch = start_fetch(reason, now);
    return wait;
}

std::optional<fetch_reason> refresh_policy::next_action(clock_pair now, bool wanted)
{
    if (closed() || is_fetching() ||
        now.steady < std::max(fetch_not_before_, background_fetch_not_before_))
        return std::nullopt;
    if (usable_token(now) == nullptr)
        return wanted ? std::optional(start_fetch(fetch_reason_when_empty(), now)) : std::nullopt;
    if (!is_due(now) || now.steady < refresh_not_before_)
        return std::nullopt;
    return start_fetch(fetch_reason::refresh, now);
}

bool refresh_policy::remove(waiter_base& waiter)
{
    return waiters_.remove(waiter);
}

waiter_base* refresh_policy::pop_expired(steady_time now)
{
    return waiters_.pop_expired(now);
}

bool refresh_policy::should_cancel_fetch()
{
    // With `refresh_when_idle` the next fetch would start at once.
    bool const cancel = options_.cancel_when_unwaited && !options_.refresh_when_idle &&
                        running_fetch_ && !fetch_cancelled_ && waiters_.empty() &&
                        *running_fetch_ != fetch_reason::refresh;
    fetch_cancelled_ = fetch_cancelled_ || cancel;
    return cancel;
}

fetch_reason refresh_policy::start_fetch(fetch_reason reason, clock_pair now)
{
    running_fetch_ = reason;
    fetch_cancelled_ = false;
    fetch_start_ =
        reason == fetch_reason::forced ? now.steady : std::max(now.steady, send_not_before_);
    delay_refresh(now);
    return reason;
}

fetch_reason refresh_policy::fetch_reason_when_empty() const noexcept
{
    return token_.empty() ? empty_reason_ : fetch_reason::expired;
}

bool refresh_policy::is_due(clock_pair now) const
{
    return times_.refresh.reached(now);
}

void refresh_policy::delay_refresh(clock_pair now) noexcept
{
    nanoseconds interval = options_.min_refresh_interval;
    if (auto const life = token_.empty() ? std::nullopt : usable_lifetime(token_, options_))
        interval = std::min(interval, *life / 20);
    refresh_not_before_ = after(now.steady, interval);
}

refresh_policy::fetch_result
refresh_policy::on_fetch_complete(clock_pair now, result<access_token> outcome, double random)
{
    fetch_result ended;
    bool const was_cancelled = std::exchange(fetch_cancelled_, false);
    auto const reason = std::exchange(running_fetch_, std::nullopt).value_or(fetch_reason::empty);
    if (closed())
    {
        ended.abandoned = true;
        ended.outcome = *close_reason_;
        ended.waiters = waiters_.take_all();
        return ended;
    }
    if (was_cancelled && !outcome && outcome.error() == errc::cancelled)
    {
        ended.abandoned = true;
        if (!waiters_.empty())
            ended.fetch = start_fetch(reason, now);
        return ended;
    }
    if (outcome && !is_single_use(*outcome) && times_of(*outcome, options_, 0).end.reached(now))
        outcome = expired_on_arrival(*outcome, options_);
    if (outcome)
        on_success(now, *outcome, random);
    else
    {
        on_failure(now, outcome.error(), random);
        outcome = *last_failure_;
    }
    ended.outcome = std::move(outcome);
    ended.waiters = waiters_.take_all();
    return ended;
}

void refresh_policy::on_success(clock_pair now, access_token const& token, double random)
{
    count_ = {};
    last_failure_.reset();
    credentials_changed_ = false;
    fetch_not_before_ = server_retry_after_ = background_fetch_not_before_ =
        credential_change_not_before_ = back_off_start_ = send_not_before_ = steady_time::min();
    if (!is_single_use(token))
        return store(now, token, random);
    send_not_before_ = after(std::min(fetch_start_, now.steady), single_use_interval);
    // It makes no sense to fetch the next one before a call wants it.
    background_fetch_not_before_ = after(
        now.steady, std::max<nanoseconds>(options_.min_refresh_interval, options_.max_back_off));
}

void refresh_policy::store(clock_pair now, access_token token, double random)
{
    if (!token_.empty() && token == token_)
        return store_same_token(now, std::move(token), random);
    if (!rejected_.empty() && token == rejected_)
        ++rejected_again_;
    else
    {
        rejected_ = access_token();
        rejected_again_ = 0;
    }
    unsigned const too_many =
        early_rejections_ - std::min(early_rejections_, early_rejection_limit);
    if (auto const times = std::max(rejected_again_, too_many); times != 0)
        rejections_ignored_until_ =
            after(now.steady, back_off(error(errc::server_error), {times, 0, 0}, options_, random));
    stored_at_ = now.steady;
    times_ = times_of(token, options_, random);
    token_ = std::move(token);
    obtained_at_ = now.wall;
    // A response may come so late that its token is due already: no fetch starts at once.
    delay_refresh(now);
}

// The server returned the current token again. That does not extend the token's lifetime, and
// another fetch soon would return the same.
void refresh_policy::store_same_token(clock_pair now, access_token token, double random)
{
    bool const ended = times_.end.reached(now);
    auto const times = times_of(token, options_, random);
    times_.end = ended ? times.end : earlier(times_.end, times.end);
    if (ended)
        times_.refresh = times.refresh;
    token_ = std::move(token);
    delay_refresh(now);
    if (times_.end.steady > now.steady && times_.end.steady != steady_time::max())
        refresh_not_before_ =
            std::max(refresh_not_before_, now.steady + (times_.end.steady - now.steady) / 2);
}

failure_count refresh_policy::count_with(error const& failure) const
{
    bool const refused = kind_of_failure(failure) == failure_kind::refused;
    auto count = count_;
    ++count.failures;
    count.refusals += refused ? 1U : 0U;
    if (!refused || !last_failure_ || last_failure_->value() != failure.value())
        count.repeated_refusals = 0;
    count.repeated_refusals += refused ? 1U : 0U;
    return count;
}

void refresh_policy::on_failure(clock_pair now, error const& failure, double random)
{
    auto const count = count_with(failure);
    auto wait = back_off(failure, count, options_, random);
    if (now.steady < back_off_start_)
        wait += back_off_start_ - now.steady;
    nanoseconds requested{};
    if (auto const retry_at = failure.retry_at(); retry_at && *retry_at > now.wall)
        requested = std::min<nanoseconds>(between(now.wall, *retry_at), options_.max_retry_after);
    // A delay that an earlier response requested, which a forced fetch has not waited for.
    auto const remaining =
        requested.count() == 0 ? between(now.steady, server_retry_after_) : requested;
    wait = std::max(wait, remaining);
    // This may throw, so it comes before any change.
    auto last_failure = with_retry_at(failure, after(now.wall, wait));
    if (!last_failure_)
        failing_since_ = now.wall;
    last_failure_ = std::move(last_failure);
    count_ = count;
    back_off_start_ = steady_time::min();
    fetch_not_before_ = after(now.steady, wait);
    if (requested.count() != 0)
        server_retry_after_ = after(now.steady, requested);
}

bool refresh_policy::invalidate(clock_pair now, access_token const& token)
{
    if (closed() || token_.empty() || !(token == token_))
        return false;
    if (now.steady < rejections_ignored_until_)
        return false;
    if (!(token == rejected_))
        rejected_again_ = 0;
    early_rejections_ =
        now.steady - stored_at_ < early_rejection_window ? early_rejections_ + 1 : 0;
    rejected_ = std::exchange(token_, access_token());
    empty_reason_ = fetch_reason::invalidated;
    return true;
}

bool refresh_policy::wants_new_credentials() const noexcept
{
    // Without a response, the credentials may have been unavailable.
    return last_failure_ && !is_fetching() && !last_failure_->transient() &&
           (last_failure_->is_authentication_failure() || last_failure_->http_status() == 0);
}

bool refresh_policy::credentials_changed(clock_pair now)
{
    if (!wants_new_credentials() || now.steady < credential_change_not_before_)
        return false;
    credential_change_not_before_ = fetch_not_before_;
    if (std::exchange(credentials_changed_, true))
        back_off_start_ = fetch_not_before_;
    else
        count_ = {};
    fetch_not_before_ = server_retry_after_;
    return true;
}

void refresh_policy::close(error const& reason)
{
    if (!closed())
        close_reason_ = reason;
    token_ = access_token();
    rejected_ = access_token();
}

std::optional<refresh_policy::steady_time> refresh_policy::next_refresh(clock_pair now) const
{
    if (closed() || is_fetching())
        return std::nullopt;
    auto const not_before = std::max(fetch_not_before_, background_fetch_not_before_);
    if (usable_token(now) == nullptr)
        return std::max(now.steady, not_before);
    if (times_.refresh.steady == steady_time::max())
        return std::nullopt;
    // The wall clock may reach its time before the monotonic clock does.
    auto const until_wall = between(now.wall, times_.refresh.wall);
    auto const due = std::min(times_.refresh.steady, after(now.steady, until_wall));
    return std::max({due, refresh_not_before_, not_before, now.steady});
}

nanoseconds refresh_policy::back_off_remaining(clock_pair now) const noexcept
{
    return std::max(nanoseconds(0), between(now.steady, fetch_not_before_));
}

token_source_status refresh_policy::status(clock_pair now) const
{
    token_source_status status;
    status.fetching = is_fetching();
    status.waiting = waiters_.size();
    bool const backs_off = now.steady < fetch_not_before_;
    if (closed())
        status.state = token_source_state::closed;
    else if (usable_token(now) != nullptr)
        status.state = is_due(now) ? token_source_state::refreshing : token_source_state::fresh;
    else if (is_fetching())
        status.state = token_source_state::fetching;
    else
        status.state = backs_off ? token_source_state::back_off : token_source_state::empty;
    if (status.ready())
    {
        status.obtained_at = obtained_at_;
        if (times_.end.wall != std::chrono::system_clock::time_point::max())
        {
            status.usable_until = times_.end.wall;
            status.refresh_at = times_.refresh.wall;
        }
    }
    if (last_failure_)
        status.failing_since = failing_since_;
    status.last_error = last_failure_ ? last_failure_ : close_reason_;
    if (backs_off)
        status.retry_at = after(now.wall, back_off_remaining(now));
    return status;
}

} // namespace coauth::policy
