#include "token_source/token_source_impl.hpp"
#include "token_source/waiter_wakeup.hpp"
#include "values/make_error.hpp"
#include "values/notify.hpp"
#include "values/operation_number.hpp"
#include "values/random_fraction.hpp"
#include "values/saturating_time.hpp"

// The fetches of a token source.

namespace coauth::detail
{

// The completion handler of a fetch. It reports the end of the fetch exactly once, whatever happens
// to it: otherwise the waiting operations would wait for ever.
class token_source_impl::fetch_handler
{
public:
    fetch_handler(
        std::shared_ptr<token_source_impl> source, fetch_reason reason,
        event_context const& context) noexcept
        : source_(std::move(source))
        , reason_(reason)
        , context_(context)
    {
    }
    fetch_handler(fetch_handler&&) noexcept = default;
    fetch_handler& operator=(fetch_handler&&) = delete;
    // Calls no handler if it can post, because the stack may be unwinding.
    ~fetch_handler()
    {
        if (source_)
            end(error(errc::out_of_memory), &waiter_wakeup::reschedule);
    }

    // Allocates what waking the operations needs, before there are any: later there may be no
    // memory. Returns where the fetch stores the version of the credentials that it sends.
    std::shared_ptr<std::uint64_t> prepare()
    {
        wakeup_ = std::make_shared<waiter_wakeup>(source_->executor, source_->observer_);
        return {wakeup_, &wakeup_->credentials};
    }
    void operator()(result<access_token> outcome) { end(std::move(outcome), &waiter_wakeup::run); }

private:
    template <class Wake>
    void end(result<access_token> outcome, Wake wake)
    {
        auto const source = std::move(source_);
        auto const credentials = wakeup_ ? wakeup_->credentials : 0;
        auto ended = source->on_fetch_complete(reason_, std::move(outcome), credentials, context_);
        auto const fill = [&](waiter_wakeup& wakeup)
        {
            wakeup.waiters = std::move(ended.waiters);
            wakeup.outcome = std::move(ended.outcome);
            wakeup.usable_until = source->usable_until_;
            wakeup.context = context_;
        };
        if (!wakeup_)
        {
            waiter_wakeup local(source->executor, source->observer_);
            fill(local);
            return local.complete_all();
        }
        fill(*wakeup_);
        wake(wakeup_);
    }

    std::shared_ptr<token_source_impl> source_;
    fetch_reason reason_;
    event_context context_;
    std::shared_ptr<waiter_wakeup> wakeup_;
};

void token_source_impl::fetch(fetch_reason reason, std::uint64_t number)
{
    bool unwanted = false;
    {
        std::lock_guard const lock(mutex_);
        fetch_started_ = clock::now();
        ++counters_.by_reason.at(static_cast<std::size_t>(reason)).started;
        unwanted = cancel_fetch_ || policy_.closed();
    }
    auto context = context_;
    context.operation = next_operation_number();
    notify(observer_, [&](observer& to) { to.on_fetch_started({reason, context}); });
    fetch_handler handler(shared_from_this(), reason, context);
    try
    {
        auto sent_credentials = handler.prepare();
        if (unwanted)
            return handler(error(errc::cancelled));
        auto const operation = fetcher_->start(
            make_fetch(reason, context.operation), std::move(handler), std::move(sent_credentials));
        std::lock_guard const lock(mutex_);
        // It may have ended meanwhile in another thread, and the next one may have started.
        if (fetch_number_ != number)
            return;
        fetch_ = operation;
        if (cancel_fetch_)
            cancel_fetch();
    }
    catch (std::bad_alloc const&) // NOLINT(bugprone-empty-catch): `fetch_handler` reports it
    {
    }
}

token_fetch token_source_impl::make_fetch(fetch_reason reason, std::uint64_t operation) const
{
    token_fetch what;
    what.request = demanded_claims_.apply(refresh_tokens_.next_request());
    what.reason = reason;
    what.operation = operation;
    what.expiry_margin = options_.expiry_margin;
    what.max_age = options_.max_age;
    what.deadline = after(clock::now(), fetcher_->timeout());
    std::lock_guard const lock(mutex_);
    what.current = policy_.current_token();
    what.rejected = policy_.rejected_token();
    return what;
}

token_source_impl::fetch_result token_source_impl::on_fetch_complete(
    fetch_reason reason, result<access_token> outcome, std::uint64_t credentials,
    event_context const& context) noexcept
{
    // Before any call gets the token, and before the next fetch starts.
    if (outcome)
        notify_token(*outcome);
    auto const at = now();
    fetch_result ended;
    clock::duration duration{};
    {
        std::lock_guard const lock(mutex_);
        fetch_.reset();
        if (context_destroyed_ || fetcher_->context_is_gone())
            return ended;
        duration = at.steady - fetch_started_;
        ended = store(reason, at, std::move(outcome));
        if (!ended.outcome && !ended.abandoned)
            failed_credentials_ = credentials;
        maintain(options_.refresh_when_idle && was_used_);
    }
    notify_fetch_ended(reason, at, duration, ended, context);
    return ended;
}

token_source_impl::fetch_result
token_source_impl::store(fetch_reason reason, clock_pair now, result<access_token> outcome) noexcept
{
    fetch_result ended;
    try
    {
        ended = policy_.on_fetch_complete(now, std::move(outcome), random_fraction());
        if (ended.fetch)
            post_fetch(*ended.fetch);
    }
    catch (...)
    {
        ended.abandoned = false;
        ended.outcome = error_of(std::current_exception());
        ended.waiters = policy_.take_waiters();
    }
    count(reason, ended);
    auto const* const token = policy_.usable_token(now);
    if (ended.outcome && token != nullptr)
    {
        usable_until_ = policy_.times().end.steady;
        snapshot_.replace(*token, policy_.times());
    }
    return ended;
}

void token_source_impl::notify_token(access_token const& token) noexcept
{
    refresh_tokens_.on_token(token);
    try
    {
        if (options_.on_token)
            options_.on_token(token);
    }
    catch (...) // NOLINT(bugprone-empty-catch): documented
    {
    }
}

void token_source_impl::count(fetch_reason reason, fetch_result const& ended) noexcept
{
    auto& counts = counters_.by_reason.at(static_cast<std::size_t>(reason));
    if (ended.abandoned)
    {
        ++counts.abandoned;
        return;
    }
    ++counters_.fetches;
    ++(ended.outcome ? counts.succeeded : counts.failed);
    counters_.failures += ended.outcome ? 0U : 1U;
    counters_.refreshes += ended.outcome && reason == fetch_reason::refresh ? 1U : 0U;
}

void token_source_impl::notify_fetch_ended(
    fetch_reason reason, clock_pair now, clock::duration duration, fetch_result const& ended,
    event_context const& context) const noexcept
{
    if (!observer_)
        return;
    if (ended.abandoned)
        return notify(
            observer_, [&](observer& to) { to.on_fetch_abandoned({reason, duration, context}); });
    std::optional<clock::duration> usable_for;
    clock::duration back_off{};
    {
        std::lock_guard const lock(mutex_);
        auto const end = policy_.times().end.steady;
        bool const usable = policy_.usable_token(now) != nullptr;
        if (usable && end != clock::time_point::max())
            usable_for = end - now.steady;
        else if (usable && !ended.outcome)
            usable_for = clock::duration::max();
        back_off = policy_.back_off_remaining(now);
    }
    auto const& outcome = ended.outcome;
    if (outcome && outcome->lifetime() == std::chrono::seconds(0))
        usable_for = clock::duration(0);
    auto const waiters = ended.waiters.size();
    notify(
        observer_,
        [&](observer& to)
        {
            if (outcome)
                to.on_fetch_succeeded({reason, duration, waiters, usable_for, context});
            else
                to.on_fetch_failed(
                    {reason, duration, waiters, outcome.error(), back_off, usable_for, context});
        });
}

} // namespace coauth::detail
