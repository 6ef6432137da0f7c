#include "policy/refresh_policy.hpp"

#include "values/make_error.hpp"
#include "values/saturating_time.hpp"

#include <algorithm>
#include <cmath>

namespace coauth::policy
{
namespace
{

using detail::after;
using detail::between;
using std::chrono::duration_cast;
using std::chrono::nanoseconds;
using std::chrono::seconds;

// Lives are at most 2^31 seconds: far from where nanoseconds end, and sums of them too.
constexpr seconds longest_life{2'147'483'647};

// Of tokens that are refused within so long after they came, so many in a row are replaced at once:
// an API that accepts none must not cause a fetch for each of its responses.
constexpr seconds early_rejection_window{30};
constexpr unsigned early_rejection_limit = 4;

nanoseconds share(nanoseconds whole, double part) noexcept
{
    return nanoseconds(static_cast<nanoseconds::rep>(static_cast<double>(whole.count()) * part));
}

dual_time from_request(access_token const& token, nanoseconds span) noexcept
{
    return {after(token.requested_at(), span), after(token.requested_at_steady(), span)};
}

dual_time earlier(dual_time a, dual_time b) noexcept
{
    return {std::min(a.wall, b.wall), std::min(a.steady, b.steady)};
}

std::optional<nanoseconds>
life_kept(access_token const& token, token_source_options const& options) noexcept
{
    std::optional<nanoseconds> life;
    if (auto const given = token.lifetime())
        life = std::min(*given, longest_life);
    if (options.max_age)
        life = std::min<nanoseconds>(
            life.value_or(longest_life), std::min(*options.max_age, longest_life));
    return life;
}

// A refusal that the same request will meet again until somebody changes something.
bool is_permanent(error const& why) noexcept
{
    return !why.transient() && why != errc::cancelled && why != errc::out_of_memory &&
           why != errc::internal_error;
}

// What callers get while no fetch is begun: the failure, and when it pays to come again.
error kept_failure(error const& why, std::chrono::system_clock::time_point retry_at)
{
    auto info = why.info();
    if (!info.retry_at || *info.retry_at < retry_at)
        info.retry_at = retry_at;
    return {why.value(), std::move(info)};
}

} // namespace

token_life
life_of(access_token const& token, token_source_options const& options, double random) noexcept
{
    auto const life = life_kept(token, options);
    if (!life)
        return {};
    auto const margin = std::min<nanoseconds>(options.expiry_margin, *life / 10);
    auto const usable = *life - margin;
    auto const fresh = share(*life, options.refresh_at - options.refresh_jitter * random);
    return {from_request(token, std::min(fresh, usable)), from_request(token, usable)};
}

nanoseconds
back_off(error const& why, unsigned failures, token_source_options const& options, double random)
{
    nanoseconds const first = options.initial_back_off;
    nanoseconds const most = options.max_back_off;
    if (is_permanent(why))
        return share(most, 0.5 + random / 2);
    double const grown = std::pow(options.back_off_factor, std::min(failures, 1000U) - 1.0);
    double const full =
        std::min(static_cast<double>(most.count()), static_cast<double>(first.count()) * grown);
    // Not nothing, or chance could make a busy loop.
    return std::max(share(nanoseconds(static_cast<nanoseconds::rep>(full)), random), first / 10);
}

result<void> check(token_source_options const& options)
{
    using namespace std::chrono;
    if (!(options.refresh_at > 0 && options.refresh_at <= 1))
        return detail::config_error(
            "token_source_options::refresh_at must be more than 0 and at most 1");
    if (!(options.refresh_jitter >= 0 && options.refresh_jitter < options.refresh_at))
        return detail::config_error(
            "token_source_options::refresh_jitter must be from 0 to less than refresh_at");
    for (auto const span : {options.expiry_margin, options.min_refresh_interval})
        if (span < milliseconds(0) || span > hours(24 * 365))
            return detail::config_error("token_source_options::expiry_margin and "
                                        "min_refresh_interval must be from 0 to 365 days");
    if (options.max_age && *options.max_age < seconds(1))
        return detail::config_error("token_source_options::max_age must be at least 1 s");
    if (options.initial_back_off < milliseconds(1) ||
        options.initial_back_off > options.max_back_off)
        return detail::config_error(
            "token_source_options::initial_back_off must be from 1 ms to max_back_off");
    if (options.max_back_off > hours(24))
        return detail::config_error("token_source_options::max_back_off must be at most 24 hours");
    if (!(options.back_off_factor >= 1 && options.back_off_factor <= 100))
        return detail::config_error("token_source_options::back_off_factor must be from 1 to 100");
    return {};
}

access_token const* refresh_policy::usable(moment now) const
{
    return token_.empty() || closed_ || life_.end.come(now) ? nullptr : &token_;
}

refresh_policy::response refresh_policy::get(moment now, waiter_base& who)
{
    response made;
    if (auto const* const token = usable(now))
    {
        made.what = verdict::serve;
        made.token = *token;
        made.fetch = next_action(now, false);
        return made;
    }
    if (closed_ || (!fetching_ && now.steady < fetch_not_before_))
    {
        made.why = closed_ ? *closed_ : *failure_;
        return made;
    }
    waiting_.push(who);
    made.what = verdict::wait;
    if (!fetching_)
        made.fetch = begin(fetch_reason_when_empty(), now);
    return made;
}

refresh_policy::response refresh_policy::refresh(moment now, waiter_base& who)
{
    response made;
    if (closed_ || (!fetching_ && now.steady < server_retry_after_))
    {
        made.why = closed_ ? *closed_ : *failure_;
        return made;
    }
    waiting_.push(who);
    made.what = verdict::wait;
    if (!fetching_)
        made.fetch = begin(fetch_reason::forced, now);
    return made;
}

std::optional<fetch_reason> refresh_policy::next_action(moment now, bool wanted)
{
    if (closed_ || fetching_ ||
        now.steady < std::max(fetch_not_before_, background_fetch_not_before_))
        return std::nullopt;
    if (usable(now) == nullptr)
        return wanted ? std::optional(begin(fetch_reason_when_empty(), now)) : std::nullopt;
    if (!due(now) || now.steady < no_renewal_before_)
        return std::nullopt;
    return begin(fetch_reason::refresh, now);
}

bool refresh_policy::leave(waiter_base& who)
{
    return waiting_.remove(who);
}

waiter_base* refresh_policy::pop_expired(steady_time now)
{
    return waiting_.pop_expired(now);
}

bool refresh_policy::should_cancel_fetch()
{
    // Where tokens are fetched for nobody too, the next one would begin at once.
    bool const now = options_.cancel_when_unwaited && !options_.refresh_when_idle && fetching_ &&
                     !given_up_ && waiting_.empty() && *fetching_ != fetch_reason::refresh;
    given_up_ = given_up_ || now;
    return now;
}

fetch_reason refresh_policy::begin(fetch_reason why, moment now)
{
    fetching_ = why;
    given_up_ = false;
    delay_refresh(now);
    return why;
}

fetch_reason refresh_policy::fetch_reason_when_empty() const noexcept
{
    return token_.empty() ? none_since_ : fetch_reason::expired;
}

bool refresh_policy::due(moment now) const
{
    return life_.renew.come(now);
}

void refresh_policy::delay_refresh(moment now) noexcept
{
    nanoseconds interval = options_.min_refresh_interval;
    if (auto const life = token_.empty() ? std::nullopt : life_kept(token_, options_))
        interval = std::min(interval, *life / 20);
    no_renewal_before_ = after(now.steady, interval);
}

refresh_policy::fetch_result
refresh_policy::on_fetch_complete(moment now, result<access_token> outcome, double random)
{
    fetch_result made;
    bool const given_up = std::exchange(given_up_, false);
    auto const reason = std::exchange(fetching_, std::nullopt).value_or(fetch_reason::empty);
    if (closed_)
    {
        made.abandoned = true;
        made.outcome = *closed_;
        made.done = waiting_.take_all();
        return made;
    }
    if (given_up && !outcome && outcome.error() == errc::cancelled)
    {
        made.abandoned = true;
        if (!waiting_.empty())
            made.fetch = begin(reason, now);
        return made;
    }
    if (outcome && outcome->lifetime() != seconds(0) &&
        life_of(*outcome, options_, 0).end.come(now))
    {
        error_info info;
        auto const life = duration_cast<seconds>(*life_kept(*outcome, options_));
        info.context = "the token's life of " + std::to_string(life.count()) +
                       " s was over before its response came";
        info.http_status = outcome->http_status();
        outcome = error(errc::timeout, std::move(info));
    }
    if (outcome)
    {
        failures_ = 0;
        failure_.reset();
        fetch_not_before_ = server_retry_after_ = background_fetch_not_before_ =
            credential_change_not_before_ = steady_time::min();
        // What may be used once goes to those who wait, and is not kept: there is nothing in
        // fetching it for nobody.
        if (outcome->lifetime() != seconds(0))
            keep(now, *outcome, random);
        else
            background_fetch_not_before_ = after(
                now.steady,
                std::max<nanoseconds>(options_.min_refresh_interval, options_.max_back_off));
    }
    else
    {
        fail(now, outcome.error(), random);
        outcome = *failure_;
    }
    made.outcome = std::move(outcome);
    made.done = waiting_.take_all();
    return made;
}

void refresh_policy::keep(moment now, access_token token, double random)
{
    if (!token_.empty() && token == token_)
        return store_same_token(now, std::move(token), random);
    bool const again = !refused_.empty() && token == refused_;
    if (again)
        ++refused_again_;
    else
    {
        refused_ = access_token();
        refused_again_ = 0;
    }
    unsigned const in_row = early_rejections_ - std::min(early_rejections_, early_rejection_limit);
    if (auto const times = std::max(refused_again_, in_row); times != 0)
        refused_until_ =
            after(now.steady, back_off(error(errc::server_error), times, options_, random));
    kept_at_ = now.steady;
    life_ = life_of(token, options_, random);
    token_ = std::move(token);
    obtained_ = now.wall;
    // Where responses come so late that it is due already, they are still not asked for in a row.
    delay_refresh(now);
}

// The server gave the same token again: it does not live longer for that, and asking soon again
// would yield the same.
void refresh_policy::store_same_token(moment now, access_token token, double random)
{
    bool const ended = life_.end.come(now);
    auto const life = life_of(token, options_, random);
    life_.end = ended ? life.end : earlier(life_.end, life.end);
    if (ended)
        life_.renew = life.renew;
    token_ = std::move(token);
    delay_refresh(now);
    if (life_.end.steady > now.steady && life_.end.steady != steady_time::max())
        no_renewal_before_ =
            std::max(no_renewal_before_, now.steady + (life_.end.steady - now.steady) / 2);
}

void refresh_policy::fail(moment now, error const& why, double random)
{
    auto wait = back_off(why, failures_ + 1, options_, random);
    nanoseconds named{};
    if (auto const retry_at = why.retry_at(); retry_at && *retry_at > now.wall)
        named = between(now.wall, *retry_at);
    wait = std::max(wait, named);
    // This may throw: before anything else has changed.
    auto kept = kept_failure(why, after(now.wall, wait));
    if (!failure_)
        failing_since_ = now.wall;
    failure_ = std::move(kept);
    ++failures_;
    fetch_not_before_ = after(now.steady, wait);
    if (named.count() != 0)
        server_retry_after_ = after(now.steady, named);
}

bool refresh_policy::invalidate(moment now, access_token const& token)
{
    if (closed_ || token_.empty() || !(token == token_))
        return false;
    if (now.steady < refused_until_)
        return false;
    if (!(token == refused_))
        refused_again_ = 0;
    early_rejections_ = now.steady - kept_at_ < early_rejection_window ? early_rejections_ + 1 : 0;
    refused_ = std::exchange(token_, access_token());
    none_since_ = fetch_reason::invalidated;
    return true;
}

bool refresh_policy::wants_other_credentials() const noexcept
{
    // Without a response it may be that they could not be had.
    return failure_ && !fetching_ && is_permanent(*failure_) &&
           (failure_->is_authentication_failure() || failure_->http_status() == 0);
}

void refresh_policy::credentials_changed(moment now)
{
    if (!wants_other_credentials() || now.steady < credential_change_not_before_)
        return;
    credential_change_not_before_ = fetch_not_before_;
    failures_ = 0;
    fetch_not_before_ = server_retry_after_;
}

void refresh_policy::close(error const& why)
{
    if (!closed_)
        closed_ = why;
    token_ = access_token();
    refused_ = access_token();
}

std::optional<refresh_policy::steady_time> refresh_policy::next_renewal(moment now) const
{
    if (closed_ || fetching_)
        return std::nullopt;
    if (usable(now) == nullptr)
        return std::max({now.steady, fetch_not_before_, background_fetch_not_before_});
    if (life_.renew.steady == steady_time::max())
        return std::nullopt;
    // Whichever clock comes first.
    auto const until_wall = between(now.wall, life_.renew.wall);
    auto at = std::min(life_.renew.steady, after(now.steady, std::max(until_wall, {})));
    at = std::max({at, no_renewal_before_, fetch_not_before_, background_fetch_not_before_});
    return std::max(at, now.steady);
}

nanoseconds refresh_policy::back_off_remaining(moment now) const noexcept
{
    if (fetch_not_before_ <= now.steady)
        return {};
    return fetch_not_before_ - now.steady;
}

token_source_status refresh_policy::status(moment now) const
{
    token_source_status made;
    made.fetching = fetching_.has_value();
    made.waiting = waiting_.size();
    bool const held = now.steady < fetch_not_before_;
    if (closed_)
        made.state = token_source_state::closed;
    else if (usable(now) != nullptr)
        made.state = due(now) ? token_source_state::refreshing : token_source_state::fresh;
    else if (fetching_)
        made.state = token_source_state::fetching;
    else
        made.state = held ? token_source_state::back_off : token_source_state::empty;
    if (made.ready())
    {
        made.obtained_at = obtained_;
        if (life_.end.wall != std::chrono::system_clock::time_point::max())
        {
            made.usable_until = life_.end.wall;
            made.refresh_at = life_.renew.wall;
        }
    }
    if (failure_)
    {
        made.failing_since = failing_since_;
        made.last_error = failure_;
    }
    else if (closed_)
        made.last_error = closed_;
    if (held)
        made.retry_at = after(now.wall, back_off_remaining(now));
    return made;
}

} // namespace coauth::policy
