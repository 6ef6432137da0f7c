#include "token_source/waiter_wakeup.hpp"
#include "values/make_error.hpp"
#include "values/random_fraction.hpp"

// The fetches of a token source.

namespace coauth::detail
{

void token_source_impl::fetch(fetch_reason why, std::uint64_t number)
{
    bool unwanted = false;
    {
        std::lock_guard const lock(mutex_);
        fetch_began_ = clock::now();
        ++counts_.by_reason.at(static_cast<std::size_t>(why)).started;
        unwanted = cancel_fetch_ || policy_.closed();
    }
    events_.tell([&](observer& to) { to.on_fetch_started({why}); });
    fetch_handler under_way(shared_from_this(), why);
    try
    {
        auto sent_with = under_way.prepare();
        if (unwanted)
            return under_way(error(errc::cancelled));
        auto const started =
            start_get_access_token(client_, request_, std::move(under_way), std::move(sent_with));
        std::lock_guard const lock(mutex_);
        // It may have ended meanwhile, on another thread, and the next one may have begun.
        if (fetch_number_ != number)
            return;
        fetch_ = started;
        if (cancel_fetch_)
            end_fetch();
    }
    catch (std::bad_alloc const&) // NOLINT(bugprone-empty-catch): `fetch_handler` tells
    {
    }
}

policy::refresh_policy::fetch_result token_source_impl::on_fetch_complete(
    fetch_reason why, result<access_token> outcome, std::uint64_t credentials) noexcept
{
    auto const at = now();
    policy::refresh_policy::fetch_result ended;
    clock::duration took{};
    {
        std::lock_guard const lock(mutex_);
        fetch_.reset();
        if (gone_ || client_->context_is_gone())
            return ended;
        took = at.steady - fetch_began_;
        ended = settle(why, at, std::move(outcome));
        if (!ended.outcome && !ended.abandoned)
            refused_credentials_ = credentials;
        maintain(options_.refresh_when_idle && was_used_);
    }
    tell(why, at, took, ended);
    return ended;
}

policy::refresh_policy::fetch_result token_source_impl::settle(
    fetch_reason why, policy::moment at, result<access_token> outcome) noexcept
{
    policy::refresh_policy::fetch_result ended;
    try
    {
        ended = policy_.on_fetch_complete(at, std::move(outcome), random_fraction());
        if (ended.fetch)
            begin_fetch(*ended.fetch);
    }
    catch (...)
    {
        ended.abandoned = false;
        ended.outcome = error_of(std::current_exception());
        ended.done = policy_.drop_all();
    }
    count(why, ended);
    auto const* const token = policy_.usable(at);
    if (ended.outcome && token != nullptr)
    {
        auto const& life = policy_.life();
        usable_until_ = life.end.steady;
        published_.publish(
            *token, {life.renew.wall, life.end.wall, life.renew.steady, life.end.steady});
    }
    return ended;
}

void token_source_impl::count(
    fetch_reason why, policy::refresh_policy::fetch_result const& ended) noexcept
{
    auto& of_reason = counts_.by_reason.at(static_cast<std::size_t>(why));
    if (ended.abandoned)
    {
        ++of_reason.abandoned;
        return;
    }
    ++counts_.fetches;
    ++(ended.outcome ? of_reason.succeeded : of_reason.failed);
    counts_.failures += ended.outcome ? 0U : 1U;
    counts_.refreshes += ended.outcome && why == fetch_reason::refresh ? 1U : 0U;
}

void token_source_impl::tell(
    fetch_reason why, policy::moment at, clock::duration took,
    policy::refresh_policy::fetch_result const& ended) const noexcept
{
    if (!observed_)
        return;
    if (ended.abandoned)
        return events_.tell([&](observer& to) { to.on_fetch_abandoned({why, took}); });
    std::optional<clock::duration> usable_for;
    clock::duration next_in{};
    {
        std::lock_guard const lock(mutex_);
        auto const end = policy_.life().end.steady;
        bool const usable = policy_.usable(at) != nullptr;
        if (usable && end != clock::time_point::max())
            usable_for = end - at.steady;
        next_in = policy_.back_off_remaining(at);
    }
    auto const& outcome = ended.outcome;
    if (outcome && outcome->lifetime() == std::chrono::seconds(0))
        usable_for = clock::duration(0);
    events_.tell(
        [&](observer& to)
        {
            auto const waited = ended.done.size();
            if (outcome)
                to.on_fetch_succeeded({why, took, waited, usable_for});
            else
                to.on_fetch_failed({why, took, waited, outcome.error(), next_in, usable_for});
        });
}

void token_source_impl::tell_served(
    access_token const& token, std::optional<clock::duration> waited) const noexcept
{
    auto const at = clock::now();
    std::optional<clock::duration> usable_for;
    auto const end = usable_until_.load(std::memory_order_relaxed);
    if (token.lifetime() == std::chrono::seconds(0))
        usable_for = clock::duration(0);
    else if (end != clock::time_point::max())
        usable_for = std::max(end - at, clock::duration(0));
    events_.tell([&](observer& to)
                 { to.on_token_served({waited, at - token.requested_at_steady(), usable_for}); });
}

} // namespace coauth::detail
