#include "token_source/token_source_impl.hpp"

#include "token_source/waiter_wakeup.hpp"
#include "values/notify.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>

#include <algorithm>

namespace coauth::detail
{

namespace asio = boost::asio;
using boost::system::error_code;
using decision_kind = policy::refresh_policy::decision_kind;

namespace
{

constexpr std::chrono::milliseconds min_time_limit{0};
constexpr std::chrono::milliseconds max_time_limit = std::chrono::hours(24);
// If the wall clock jumps or the machine is suspended, a token ends before the timer fires.
constexpr std::chrono::seconds max_timer_wait{30};
constexpr std::chrono::seconds credential_check_interval{1};

error time_limit_passed() noexcept
{
    try
    {
        error_info info;
        info.context = "no token came within the time limit of the call";
        return {errc::timeout, std::move(info)};
    }
    catch (...) // no memory for the text
    {
        return errc::timeout;
    }
}

} // namespace

boost::asio::any_io_executor const& executor_of(token_source_impl const& source) noexcept
{
    return source.executor;
}

std::optional<result<access_token>>
start_waiting(token_source_impl& source, get_options const& options, token_wait_op::ptr& operation)
{
    return source.start(options, operation);
}

void cancel_waiting(token_source_impl& source, token_wait_op& operation)
{
    source.cancel(operation);
}

void post_completion(
    token_source_impl& source, token_wait_op::ptr operation, result<access_token> outcome)
{
    source.post_completion(std::move(operation), std::move(outcome));
}

token_source_impl::token_source_impl(
    std::shared_ptr<fetcher> from, token_request request, token_source_options options)
    : executor(from->executor)
    , fetcher_(std::move(from))
    , options_(std::move(options))
    , observer_(fetcher_->observer())
    , context_(fetcher_->context())
    , observes_hits_(observer_ != nullptr && options_.observe_cache_hits)
    , policy_(options_)
    , refresh_tokens_(std::move(request))
    , timer_(executor)
    , fetch_timer_(executor)
{
    auto const checked = policy::check(options_);
    if (!checked)
        policy_.close(checked.error());
    listen(asio::query(executor, asio::execution::context));
}

token_source_impl::~token_source_impl() = default;

void token_source_impl::on_context_shutdown() noexcept
{
    policy::waiter_batch waiters;
    // The handlers may own the last reference to this object.
    auto const self = weak_from_this().lock();
    {
        std::lock_guard const lock(mutex_);
        context_destroyed_ = true;
        policy_.close(error(errc::cancelled));
        waiters = policy_.take_waiters();
        snapshot_.clear();
        timer_.reset();
        fetch_timer_.reset();
        timer_expiry_.reset();
    }
    destroy_all(waiters);
}

access_token token_source_impl::try_get_slow() noexcept
{
    bool due = false;
    auto token = snapshot_.load_slow(due);
    if (due || (options_.refresh_when_idle && !token))
    {
        std::lock_guard const lock(mutex_);
        maintain(options_.refresh_when_idle && was_used_);
    }
    if (observes_hits_ && token)
        notify_served(observer_, token, std::nullopt, usable_until_, context_);
    return token;
}

std::optional<result<access_token>>
token_source_impl::start(get_options const& options, token_wait_op::ptr& operation)
{
    if (!options.new_token)
        if (auto token = try_get())
            return token;
    if (options.limit || observer_)
        operation->started = clock::now();
    if (options.limit)
        operation->limit =
            operation->started + std::clamp(*options.limit, min_time_limit, max_time_limit);
    auto decision = acquire(options, *operation);
    switch (decision.kind)
    {
    case decision_kind::serve:
        if (observes_hits_)
            notify_served(observer_, decision.token, std::nullopt, usable_until_, context_);
        return std::move(decision.token);
    case decision_kind::refuse:
        return std::move(decision.failure);
    case decision_kind::wait:
        break;
    }
    (void)operation.release();
    return std::nullopt;
}

// After the decision `wait` the operation may already be completed.
token_source_impl::policy_type::decision
token_source_impl::acquire(get_options const& options, token_wait_op& operation)
{
    refresh_credentials();
    std::lock_guard const lock(mutex_);
    was_used_ = true;
    if (context_destroyed_)
    {
        policy_type::decision refused;
        refused.failure = error(errc::cancelled);
        return refused;
    }
    auto decision =
        options.new_token ? policy_.get_new(now(), operation) : policy_.get(now(), operation);
    bool const waits = decision.kind == decision_kind::wait;
    try
    {
        if (decision.fetch)
            post_fetch(*decision.fetch);
        if (waits)
            arm_timer();
    }
    catch (...)
    {
        if (waits)
            policy_.remove(operation);
        throw;
    }
    ++(waits                                   ? counters_.waits
       : decision.kind == decision_kind::serve ? counters_.hits
                                               : counters_.fast_failures);
    return decision;
}

// While the credentials are refused, checks now and then whether they have changed.
void token_source_impl::refresh_credentials()
{
    {
        std::lock_guard const lock(mutex_);
        auto const time = clock::now();
        if (!policy_.wants_new_credentials() || time < next_credential_check_)
            return;
        next_credential_check_ = time + credential_check_interval;
    }
    // Calls a function of the user, so not under the lock.
    auto const credentials = fetcher_->refresh_credentials();
    std::lock_guard const lock(mutex_);
    if (credentials != failed_credentials_)
        (void)policy_.credentials_changed(now());
}

void token_source_impl::cancel(token_wait_op& operation)
{
    auto const wakeup = std::make_shared<waiter_wakeup>(executor, observer_);
    std::lock_guard const lock(mutex_);
    if (context_destroyed_ || !policy_.remove(operation))
        return;
    wakeup->waiters = policy::waiter_batch(operation);
    try
    {
        asio::post(executor, [wakeup] { waiter_wakeup::run(wakeup); });
    }
    catch (...)
    {
        policy_.requeue(*wakeup->waiters.pop());
        throw;
    }
    cancel_unwanted_fetch();
    maintain(false);
}

void token_source_impl::post_completion(token_wait_op::ptr operation, result<access_token> outcome)
{
    auto completion = [operation = std::move(operation), outcome = std::move(outcome)]() mutable
    { token_wait_op::complete(std::move(operation), std::move(outcome)); };
    std::lock_guard const lock(mutex_);
    if (!context_destroyed_)
        asio::post(executor, std::move(completion));
}

void token_source_impl::warm_up() noexcept
{
    std::lock_guard const lock(mutex_);
    was_used_ = true;
    maintain(true);
}

bool token_source_impl::invalidate(access_token const& token) noexcept
{
    std::chrono::system_clock::time_point obtained_at;
    auto const at = now();
    {
        std::lock_guard const lock(mutex_);
        obtained_at = policy_.obtained_at();
        if (!policy_.invalidate(at, token))
            return false;
        snapshot_.clear();
        ++counters_.invalidated;
        if (options_.refresh_when_idle && was_used_)
            maintain(true);
    }
    notify(
        observer_,
        [&](observer& to) { to.on_token_invalidated({at.wall - obtained_at, context_}); });
    return true;
}

bool token_source_impl::invalidate(access_token const& token, api_challenge const& challenge)
{
    demanded_claims_.add(challenge);
    return invalidate(token);
}

void token_source_impl::close() noexcept
{
    std::lock_guard const lock(mutex_);
    if (context_destroyed_)
        return;
    policy_.close(error(errc::cancelled));
    snapshot_.clear();
    cancel_fetch();
    if (timer_)
        timer_->cancel();
    timer_expiry_.reset();
}

token_source_status token_source_impl::status() const
{
    std::lock_guard const lock(mutex_);
    return policy_.status(now());
}

token_source_counters token_source_impl::counters() const
{
    std::lock_guard const lock(mutex_);
    auto counters = counters_;
    counters.hits += snapshot_.hit_count();
    return counters;
}

// Starts a fetch if it is time, and sets the timer. `wanted`: also if there is no token.
void token_source_impl::maintain(bool wanted) noexcept
{
    if (context_destroyed_)
        return;
    try
    {
        if (auto const reason = policy_.next_action(now(), wanted))
            post_fetch(*reason);
        arm_timer();
    }
    catch (...) // NOLINT(bugprone-empty-catch): without memory now, a later call tries again
    {
    }
}

// Posted, because the client may call observers at once, and this may be a thread of the user.
void token_source_impl::post_fetch(fetch_reason reason)
{
    cancel_fetch_ = false;
    try
    {
        auto const number = fetch_number_ + 1;
        auto start = [self = shared_from_this(), reason, number](error_code = {})
        { self->fetch(reason, number); };
        if (policy_.fetch_start() > clock::now() && fetch_timer_)
        {
            // If the timer is cancelled, the fetch starts at once and finds that it is unwanted.
            fetch_timer_->expires_at(policy_.fetch_start());
            fetch_timer_->async_wait(std::move(start));
        }
        else
            asio::post(executor, std::move(start));
        fetch_number_ = number;
    }
    catch (...)
    {
        policy_.on_fetch_not_started();
        throw;
    }
}

void token_source_impl::cancel_fetch() noexcept
{
    cancel_fetch_ = true;
    if (fetch_timer_)
        fetch_timer_->cancel();
    if (auto const operation = fetch_.lock())
        operation->abort(errc::cancelled);
}

// The response may have the only refresh token that is valid from now on.
void token_source_impl::cancel_unwanted_fetch() noexcept
{
    if (!refresh_tokens_.is_active() && policy_.should_cancel_fetch())
        cancel_fetch();
}

// One timer serves the time limits of calls and, with `refresh_when_idle`, the next refresh.
void token_source_impl::arm_timer()
{
    if (!timer_)
        return;
    auto next = policy_.next_time_limit();
    if (options_.refresh_when_idle && was_used_)
        if (auto const refresh = policy_.next_refresh(now()))
            next = std::min({next.value_or(*refresh), *refresh, clock::now() + max_timer_wait});
    if (!next)
    {
        // An unneeded timer must not be outstanding work of the context.
        if (std::exchange(timer_expiry_, std::nullopt))
            timer_->cancel();
        return;
    }
    if (timer_expiry_ && *timer_expiry_ <= *next)
        return;
    timer_expiry_.reset();
    timer_->expires_at(*next);
    timer_->async_wait(
        [weak = weak_from_this()](error_code ec)
        {
            auto const self = weak.lock();
            if (self && !ec)
                self->on_timer();
        });
    timer_expiry_ = next;
}

void token_source_impl::on_timer()
{
    // Also when a handler throws.
    struct rearm_guard
    {
        ~rearm_guard()
        {
            std::lock_guard const lock(self.mutex_);
            self.timer_expiry_.reset();
            self.cancel_unwanted_fetch();
            self.maintain(self.options_.refresh_when_idle && self.was_used_);
        }
        token_source_impl& self;
    };
    auto const fired_at = clock::now();
    rearm_guard const guard{*this};
    error const timeout = time_limit_passed();
    while (clock::now() < fired_at + time_slice)
    {
        waiter_base* expired = nullptr;
        {
            std::lock_guard const lock(mutex_);
            expired = policy_.pop_expired(fired_at);
        }
        if (expired == nullptr)
            return;
        token_wait_op::complete(adopt(expired), timeout);
    }
}

} // namespace coauth::detail
