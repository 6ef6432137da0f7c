#include "token_source/shared_fetch_operation.hpp"

#include "client/connect_cancellation_slot.hpp"
#include "values/make_error.hpp"
#include "values/saturating_time.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace coauth::detail
{

namespace asio = boost::asio;
using policy::shared_fetch;

// Notes the end of the fetch exactly once, whatever happens to the handler.
class shared_fetch_operation::inner_handler
{
public:
    explicit inner_handler(std::weak_ptr<shared_fetch_operation> operation) noexcept
        : operation_(std::move(operation))
    {
    }
    inner_handler(inner_handler&&) noexcept = default;
    inner_handler& operator=(inner_handler&&) = delete;
    ~inner_handler() { end(error(errc::out_of_memory)); }

    void operator()(result<access_token> outcome) { end(std::move(outcome)); }

private:
    void end(result<access_token> outcome) noexcept
    {
        if (auto const operation = std::exchange(operation_, {}).lock())
            operation->note([&](notes& news) { news.fetched = std::move(outcome); });
    }

    std::weak_ptr<shared_fetch_operation> operation_;
};

shared_fetch_operation::shared_fetch_operation(
    std::shared_ptr<shared_fetcher> fetcher, parameters chosen, token_handler handler)
    : registry_(fetcher->registry)
    , fetcher_(std::move(fetcher))
    , parameters_(std::move(chosen))
    , began_(clock::now())
    , deadline_(std::min(parameters_.what.deadline, after(began_, fetcher_->timeout())))
    , next_step_(began_)
    , node_{this}
    , handler_(std::move(handler))
{
}

shared_fetch_operation::~shared_fetch_operation()
{
    std::lock_guard const lock(registry_->mutex_);
    if (node_.empty())
        registry_->running_.remove(this);
    // It belongs to the context, which this lock keeps alive.
    timer_.reset();
}

void shared_fetch_operation::begin()
{
    connect_cancellation_slot(asio::get_associated_cancellation_slot(handler_), weak_from_this());
    std::lock_guard const lock(registry_->mutex_);
    if (registry_->context_is_gone_)
        return;
    registry_->running_.splice(registry_->running_.end(), node_);
    timer_.emplace(fetcher_->executor);
    arm(began_);
}

void shared_fetch_operation::abort(errc reason) noexcept
{
    note([&](notes& news) { news.aborted = news.aborted.value_or(reason); });
}

void shared_fetch_operation::arm(clock::time_point when)
{
    timer_->expires_at(when);
    timer_->async_wait([self = shared_from_this()](boost::system::error_code)
                       { self->on_timer(); });
}

void shared_fetch_operation::on_timer()
{
    notes news;
    {
        std::lock_guard const lock(registry_->mutex_);
        if (!timer_)
            return;
        news = std::exchange(notes_, {});
    }
    outcome_type outcome;
    try
    {
        outcome = run(news);
        std::lock_guard const lock(registry_->mutex_);
        if (!outcome && timer_)
            arm(notes_.empty() ? next_step_ : clock::now());
    }
    catch (...)
    {
        // A token that was fetched is not lost.
        outcome = fetched_ ? std::move(*fetched_) : error_of(std::current_exception());
    }
    if (outcome)
        end(std::move(*outcome));
}

void shared_fetch_operation::end(result<access_token> outcome)
{
    if (auto const running = inner_.lock())
        running->abort(errc::cancelled);
    if (has_claim_)
        release_claim();
    token_handler handler;
    {
        std::lock_guard const lock(registry_->mutex_);
        if (!timer_)
            return;
        timer_.reset();
        handler.swap(handler_);
    }
    std::move(handler)(std::move(outcome));
}

shared_fetch_operation::outcome_type shared_fetch_operation::run(notes& news)
{
    auto const now = clock::now();
    if (news.claim_lost && has_claim_)
    {
        has_claim_ = false;
        if (policy_->claim() == shared_fetch::claim_state::owned)
            fetcher_->on_claim(number_of_fetch(), claim_outcome::lost);
    }
    if (news.aborted && phase_ == phase::publishing)
        return std::move(fetched_);
    if (news.aborted && !(news.fetched && *news.fetched))
        return error(*news.aborted);
    bool const is_time = now >= next_step_;
    switch (phase_)
    {
    case phase::starting:
        return start();
    case phase::storing:
        return news.loaded || news.stored || is_time ? on_stored(news) : std::nullopt;
    case phase::waiting:
        return is_time ? take(policy_->on_waited(now)) : std::nullopt;
    case phase::fetching:
        if (news.fetched)
            return on_fetched(std::move(*news.fetched));
        if (now >= inner_deadline_ + grace)
        {
            if (auto const running = inner_.lock())
                running->abort(errc::cancelled);
            return on_fetched(make_error(errc::timeout, "the fetch did not end at its deadline"));
        }
        renew_claim(now);
        return std::nullopt;
    case phase::publishing:
        if (!news.stored && !is_time)
            return std::nullopt;
        return on_published(news);
    }
    return std::nullopt;
}

shared_fetch_operation::outcome_type shared_fetch_operation::start()
{
    if (!parameters_.status)
        return parameters_.status.error();
    if (clock::now() >= deadline_)
        return make_error(errc::timeout, "the deadline of the fetch has passed");
    auto const keys = fetcher_->current_keys();
    if (!keys)
        return keys.error();
    keys_ = *keys;
    auto const& what = parameters_.what;
    fetcher_->remember_rejected(parameters_.name, what.rejected);
    if (!fetcher_->may_use_store())
    {
        fetcher_->on_bypass(number_of_fetch(), std::nullopt);
        return start_fetch();
    }
    // What it needs to fetch itself, if it waits for others in vain.
    auto const reserve =
        std::min<clock::duration>(fetcher_->inner->timeout(), (deadline_ - began_) / 3);
    shared_fetch::options chosen;
    chosen.reason = what.reason;
    chosen.wait_until = deadline_ - reserve;
    chosen.store_timeout = fetcher_->options.store_timeout;
    chosen.claim_delay = fetcher_->claim_delay();
    policy_.emplace(chosen, clock::now());
    return take(policy_->begin());
}

shared_fetch_operation::outcome_type
shared_fetch_operation::take(policy::shared_fetch::step const& step)
{
    if (policy_->was_held() && !std::exchange(has_waited_, true))
    {
        fetcher_->on_claim(number_of_fetch(), claim_outcome::held);
        fetcher_->on_wait();
    }
    switch (step.what)
    {
    case action::load:
    case action::claim:
    case action::remove:
        start_store_operation(step.what, step.until);
        return std::nullopt;
    case action::wait:
        phase_ = phase::waiting;
        next_step_ = step.until;
        return std::nullopt;
    case action::fetch:
        if (policy_->failed_open())
            fetcher_->on_bypass(number_of_fetch(), store_error_);
        return start_fetch();
    case action::serve:
        return serve();
    case action::fail:
        return fail();
    }
    return std::nullopt;
}

shared_fetch_operation::outcome_type shared_fetch_operation::serve()
{
    fetcher_->on_found(number_of_fetch(), has_waited_ ? clock::now() - began_ : clock::duration(0));
    return std::move(record_.token);
}

shared_fetch_operation::outcome_type shared_fetch_operation::fail()
{
    fetcher_->on_shared_failure();
    auto const& failure = record_.failure->failure;
    auto info = failure.info();
    info.context = "another process that shares the token failed to get it" +
                   (info.context.empty() ? std::string() : ": " + info.context);
    return error(failure.value(), std::move(info));
}

shared_fetch_operation::outcome_type shared_fetch_operation::start_fetch()
{
    auto const now = clock::now();
    auto what = parameters_.what;
    inner_deadline_ = std::min(deadline_, after(now, fetcher_->inner->timeout()));
    what.deadline = inner_deadline_;
    phase_ = phase::fetching;
    renew_claim(now);
    inner_ = fetcher_->inner->start(
        std::move(what), inner_handler(weak_from_this()), parameters_.credentials_version);
    return std::nullopt;
}

shared_fetch_operation::outcome_type
shared_fetch_operation::on_fetched(result<access_token> outcome)
{
    inner_.reset();
    fetcher_->on_fetched(!outcome && outcome.error().http_status() == 0);
    if (!has_claim_)
        return outcome;
    auto const content = content_of(outcome);
    fetched_ = std::move(outcome);
    return publish(content);
}

} // namespace coauth::detail
