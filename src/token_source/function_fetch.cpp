#include "token_source/function_fetch.hpp"

#include "client/connect_cancellation_slot.hpp"
#include "values/encoding.hpp"
#include "values/make_error.hpp"
#include "values/random_fraction.hpp"
#include "values/saturating_time.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

namespace coauth::detail
{

namespace asio = boost::asio;

namespace
{

error deadline_passed()
{
    return make_error(errc::timeout, "the function of the token fetcher did not complete in time");
}

// The error of a token that cannot be used.
std::optional<error> check(access_token const& token)
{
    if (token.empty())
        return make_error(
            errc::internal_error, "the function of the token fetcher returned an empty token");
    if (!is_printable_ascii(token.authorization()))
        return make_error(
            errc::malformed_response,
            "the token fetcher's token contains characters that are not allowed in a header field");
    return std::nullopt;
}

error with_attempts(error const& failure, unsigned attempts)
{
    if (failure.attempts() != 0)
        return failure;
    auto info = failure.info();
    info.attempts = attempts;
    return {failure.value(), std::move(info)};
}

bool presents_refresh_token(token_fetch const& what)
{
    auto const* const grant = what.request.grant();
    return grant != nullptr && grant->type == "refresh_token";
}

// The caller's handler is a copy: the function's does not complete before an exception does.
void call(function_fetcher const& fetcher, token_fetch what, token_fetch_handler const& handler)
{
    try
    {
        fetcher.function(std::move(what), handler);
    }
    catch (...)
    {
        handler(error_of(std::current_exception()));
    }
}

void call_on(
    asio::any_io_executor const& strand, std::shared_ptr<function_fetcher> fetcher,
    token_fetch what, token_fetch_handler const& handler)
{
    try
    {
        asio::dispatch(
            strand, [fetcher = std::move(fetcher), what = std::move(what), handler]() mutable
            { call(*fetcher, std::move(what), handler); });
    }
    catch (...)
    {
        handler(error_of(std::current_exception()));
    }
}

void cancel(std::shared_ptr<fetch_attempt> attempt, asio::any_io_executor const& strand) noexcept
{
    try
    {
        asio::post(
            strand, [attempt = std::move(attempt)]
            { attempt->signal.emit(asio::cancellation_type::terminal); });
    }
    catch (...) // NOLINT(bugprone-empty-catch): the fetch has ended all the same
    {
    }
}

} // namespace

fetch_attempt::~fetch_attempt()
{
    try
    {
        complete(make_error(
            errc::internal_error,
            "the function of the token fetcher destroyed its handler without a call"));
    }
    catch (...) // no memory for the text
    {
        complete(error(errc::internal_error));
    }
}

function_fetch::function_fetch(
    std::shared_ptr<function_fetcher> fetcher, token_fetch what, token_handler handler)
    : pending_(fetcher->pending)
    , deadline_(std::min(what.deadline, after(clock::now(), fetcher->options.timeout)))
    , node_{this}
    , fetcher_(std::move(fetcher))
    , handler_(std::move(handler))
    , what_(std::move(what))
    , attempts_(fetcher_->options.retry, {presents_refresh_token(what_), false})
{
}

function_fetch::~function_fetch()
{
    std::lock_guard const lock(pending_->mutex_);
    if (node_.empty())
        pending_->running_.remove(this);
    // Both belong to the context, which this lock keeps alive.
    timer_.reset();
    strand_ = {};
}

void function_fetch::begin()
{
    connect_cancellation_slot(asio::get_associated_cancellation_slot(handler_), weak_from_this());
    std::lock_guard const lock(pending_->mutex_);
    if (pending_->context_is_gone_)
        return;
    pending_->running_.splice(pending_->running_.end(), node_);
    strand_ = asio::make_strand(fetcher_->executor);
    timer_.emplace(fetcher_->executor);
    if (!fetcher_->status)
        outcome_ = fetcher_->status.error();
    arm(clock::now());
}

void function_fetch::abort(errc reason) noexcept
{
    std::lock_guard const lock(pending_->mutex_);
    if (!aborted_)
        aborted_ = reason;
    wake();
}

void function_fetch::complete(std::uint64_t attempt, result<access_token> outcome) noexcept
{
    std::lock_guard const lock(pending_->mutex_);
    if (attempt != attempt_number_ || outcome_)
        return;
    outcome_ = std::move(outcome);
    wake();
}

asio::any_io_executor function_fetch::strand() const noexcept
{
    std::lock_guard const lock(pending_->mutex_);
    return strand_;
}

void function_fetch::wake() noexcept
{
    try
    {
        if (timer_)
            timer_->cancel();
    }
    catch (...) // NOLINT(bugprone-empty-catch): then it fires at the end of the attempt
    {
    }
}

void function_fetch::arm(clock::time_point when)
{
    timer_->expires_at(when);
    timer_->async_wait([self = shared_from_this()](boost::system::error_code)
                       { self->on_timer(); });
}

void function_fetch::on_timer()
{
    step next;
    std::shared_ptr<function_fetcher> fetcher;
    token_handler handler;
    asio::any_io_executor strand;
    {
        std::lock_guard const lock(pending_->mutex_);
        if (!timer_)
            return;
        try
        {
            advance(next, clock::now());
            if (!next.ended)
                arm(next_step_);
        }
        catch (...)
        {
            next.ended = error_of(std::current_exception());
        }
        fetcher = fetcher_;
        strand = strand_;
        if (next.ended)
        {
            if (attempt_number_ != 0)
                next.to_cancel = attempt_.lock();
            attempt_number_ = 0;
            timer_.reset();
            fetcher_.reset();
            handler.swap(handler_);
        }
    }
    if (next.to_cancel)
        cancel(std::move(next.to_cancel), strand);
    if (next.ended)
        std::move(handler)(std::move(*next.ended));
    else if (next.to_start)
        call_on(
            strand, std::move(fetcher), std::move(next.what),
            token_fetch_handler(std::move(next.to_start)));
}

void function_fetch::advance(step& next, clock::time_point now)
{
    bool const is_running = attempt_number_ != 0;
    if (outcome_ && (*outcome_ || !aborted_))
    {
        auto outcome = std::move(*outcome_);
        outcome_.reset();
        return on_attempt_ended(next, now, std::move(outcome));
    }
    if (aborted_)
        next.ended = error(*aborted_);
    else if (now >= deadline_)
        next.ended = with_attempts(deadline_passed(), attempts_.count());
    else if (now < next_step_)
        return;
    else if (is_running)
    {
        next.to_cancel = attempt_.lock();
        on_attempt_ended(next, now, deadline_passed());
    }
    else
        begin_attempt(next, now);
}

void function_fetch::on_attempt_ended(
    step& next, clock::time_point now, result<access_token> outcome)
{
    using action = policy::attempts::action;
    attempt_number_ = 0;
    if (outcome)
        if (auto const unusable = check(*outcome))
            outcome = *unusable;
    if (!outcome && outcome.error().attempts() == 0)
    {
        auto const& failure = outcome.error();
        if (auto const status = failure.http_status(); status != 0)
            attempts_.on_response(status, false);
        auto decision = attempts_.on_failure(
            failure,
            {std::chrono::system_clock::now(), between(now, deadline_), random_fraction()});
        if (decision.action == action::load_credentials)
            decision = attempts_.on_credentials_loaded(false);
        if (decision.action != action::give_up)
        {
            next_step_ = after(now, decision.delay);
            return;
        }
        outcome = with_attempts(failure, attempts_.count());
    }
    next.ended = std::move(outcome);
}

void function_fetch::begin_attempt(step& next, clock::time_point now)
{
    auto const limit = fetcher_->options.retry.attempt_timeout;
    next_step_ = limit.count() == 0 ? deadline_ : std::min(deadline_, after(now, limit));
    next.what = what_;
    next.what.deadline = next_step_;
    attempt_number_ = attempts_.begin();
    attempts_.on_sent();
    // Not in a local variable: its destructor takes the lock.
    next.to_start = std::make_shared<fetch_attempt>(shared_from_this(), attempt_number_);
    attempt_ = next.to_start;
}

} // namespace coauth::detail
