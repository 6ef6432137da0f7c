#include "policy/shared_fetch.hpp"

#include <algorithm>
#include <utility>

namespace coauth::policy
{
namespace
{

using std::chrono::milliseconds;

constexpr milliseconds shortest_poll{50};
constexpr milliseconds longest_poll{200};
constexpr milliseconds renewal_poll{1000};

shared_fetch::duration scaled(shared_fetch::duration span, double factor) noexcept
{
    return std::chrono::duration_cast<shared_fetch::duration>(span * factor);
}

} // namespace

shared_fetch::shared_fetch(options const& chosen, time_point now)
    : options_(chosen)
    , began_(now)
    , budget_end_(now + 2 * chosen.store_timeout)
{
}

shared_fetch::time_point shared_fetch::limit(time_point now) const noexcept
{
    return std::min(now + options_.store_timeout, budget_end_);
}

// No operation of a store that is merely slow delays the fetch for longer than its budget.
shared_fetch::step shared_fetch::next_operation(action what, time_point now)
{
    if (now >= budget_end_)
        return fetch_without_store();
    operation_ = what;
    return {what, limit(now)};
}

bool shared_fetch::accepts(time_point now, shared_record const& record) const noexcept
{
    if (!record.has_token || record.is_rejected || !record.is_better)
        return false;
    // The caller wants a token that is new since the call.
    return options_.reason != fetch_reason::forced || record.age < now - began_;
}

shared_fetch::step
shared_fetch::on_loaded(time_point now, shared_record const& record, double random)
{
    if (accepts(now, record))
        return {action::serve, now};
    if (record.unshareable)
        return {};
    if (record.back_off.count() > 0 && options_.reason != fetch_reason::forced)
        return {action::fail, now};
    // Loaded once more after the claim.
    if (claim_ == claim_state::owned)
        return {};
    if (record.has_token && record.is_rejected && !removed_)
    {
        removed_ = true;
        return next_operation(action::remove, now);
    }
    return claim_or_wait(now, record.claimed, random);
}

shared_fetch::step shared_fetch::on_removed(time_point now)
{
    return next_operation(action::claim, now);
}

shared_fetch::step shared_fetch::claim_or_wait(time_point now, bool claimed, double random)
{
    if (claimed)
        return wait(now, random);
    bool const delay = options_.claim_delay.count() > 0 && !std::exchange(has_delayed_, true);
    if (delay && now < options_.wait_until)
        return {
            action::wait,
            now + std::chrono::duration_cast<duration>(options_.claim_delay * (0.5 + random / 2))};
    return next_operation(action::claim, now);
}

shared_fetch::step shared_fetch::on_claimed(time_point now, bool won, double random)
{
    operation_ = action::load;
    if (!won)
        return wait(now, random);
    claim_ = claim_state::owned;
    // Another may have published between the load and the claim.
    return next_operation(action::load, now);
}

shared_fetch::step shared_fetch::wait(time_point now, double random)
{
    was_held_ = true;
    if (now >= options_.wait_until)
        return {};
    auto const pause =
        has_usable_token()
            ? scaled(renewal_poll, 0.75 + random / 2)
            : scaled(
                  std::clamp<duration>((now - began_) / 20, shortest_poll, longest_poll),
                  1 + random);
    return {action::wait, std::min(now + pause, options_.wait_until)};
}

shared_fetch::step shared_fetch::on_waited(time_point now)
{
    if (now >= options_.wait_until)
        return {};
    budget_end_ = now + 2 * options_.store_timeout;
    return next_operation(action::load, now);
}

shared_fetch::step shared_fetch::on_store_error(time_point now, double random)
{
    // A lost response is no reason to fetch while there is time to look again.
    bool const retry = has_usable_token() && operation_ == action::load &&
                       claim_ == claim_state::none && !std::exchange(has_retried_, true);
    if (retry && now < options_.wait_until)
        return {action::wait, now + scaled(renewal_poll, 0.75 + random / 2)};
    return fetch_without_store();
}

shared_fetch::step shared_fetch::fetch_without_store() noexcept
{
    // A claim without a response may have been won: if so, the token is published all the same.
    if (operation_ == action::claim)
        claim_ = claim_state::unknown;
    failed_open_ = claim_ != claim_state::owned;
    return {};
}

} // namespace coauth::policy
