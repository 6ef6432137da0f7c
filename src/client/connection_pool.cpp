#include "client/connection_pool.hpp"

#include <algorithm>

namespace coauth::detail
{

namespace asio = boost::asio;
using policy_decision = policy::pool_policy::decision_kind;
using std::chrono::steady_clock;

void connection_pool::lease::replace(std::unique_ptr<net::connection> next)
{
    std::swap(connection_, next);
    if (next)
        pool_->notify_closed(*next);
}

void connection_pool::lease::release() &&
{
    auto const pool = std::move(pool_);
    pool->release(id_, std::move(connection_));
}

void connection_pool::lease::abandon() noexcept
{
    if (auto const pool = std::move(pool_))
        pool->abandon(id_, std::move(connection_));
}

connection_pool::connection_pool(
    client_config const& config, std::string_view origin, asio::any_io_executor run_on)
    : executor(std::move(run_on))
    , name_(config.name)
    , origin_(origin)
    , events_(config.observer, {}, {name_, origin_, 0})
    , reuse_(config.connections.idle_timeout.count() > 0 && config.connections.max_age.count() > 0)
    , policy_(
          {config.connections.max_connections, config.connections.max_queued,
           config.connections.idle_timeout})
{
    if (reuse_)
        idle_timer_.emplace(executor);
}

connection_pool::acquire_result connection_pool::acquire(id operation, lease& granted)
{
    std::unique_ptr<net::connection> expired;
    std::unique_ptr<net::connection> evicted;
    auto outcome = acquire_result::granted;
    {
        std::lock_guard const lock(mutex_);
        auto const now = steady_clock::now();
        expired = pop_expired(now);
        auto const decided = policy_.acquire(operation, now);
        if (decided.evicted != 0)
            evicted = pop_idle(decided.evicted);
        if (decided.kind == policy_decision::refuse)
            outcome = acquire_result::queue_full;
        else if (decided.kind == policy_decision::wait)
            outcome = enqueue(operation);
        else
            granted = lease(
                shared_from_this(), decided.connection,
                decided.kind == policy_decision::reuse ? pop_idle(decided.connection) : nullptr);
    }
    for (auto const* const closed : {expired.get(), evicted.get()})
        if (closed != nullptr)
            notify_closed(*closed);
    return outcome;
}

connection_pool::acquire_result connection_pool::enqueue(id operation)
{
    try
    {
        queue_.try_emplace(operation);
    }
    catch (...)
    {
        policy_.cancel(operation);
        throw;
    }
    return acquire_result::queued;
}

connection_pool::acquire_result connection_pool::waiter::acquire(lease& granted)
{
    auto const outcome = pool_.acquire(operation_, granted);
    is_queued_ = outcome == acquire_result::queued;
    return outcome;
}

void connection_pool::waiter::async_wait(handler_type handler)
{
    pool_.async_wait(operation_, std::move(handler));
}

void connection_pool::waiter::cancel() noexcept
{
    pool_.cancel_wait(operation_);
}

void connection_pool::async_wait(id operation, waiter::handler_type handler)
{
    wait_queue::node_type completed;
    {
        std::lock_guard const lock(mutex_);
        auto const found = queue_.find(operation);
        if (found == queue_.end())
            return;
        found->second.handler = std::move(handler);
        if (!found->second.granted)
            return;
        completed = queue_.extract(found);
    }
    post_completion(std::move(completed));
}

void connection_pool::cancel_wait(id operation) noexcept
{
    wait_queue::node_type completed;
    {
        std::lock_guard const lock(mutex_);
        auto const found = queue_.find(operation);
        // Without a handler it does not wait yet, and never will.
        if (found == queue_.end() || !found->second.handler || !policy_.cancel(operation))
            return;
        completed = queue_.extract(found);
    }
    post_completion(std::move(completed));
}

void connection_pool::abandon_wait(id operation) noexcept
{
    // Destroyed without the lock: it may own a lease.
    wait_queue::node_type abandoned;
    std::lock_guard const lock(mutex_);
    abandoned = queue_.extract(operation);
    if (abandoned)
        policy_.cancel(operation);
}

void connection_pool::release(id connection, std::unique_ptr<net::connection> idle) noexcept
{
    bool returned = false;
    try
    {
        returned = reuse_ && return_idle(connection, idle);
    }
    catch (std::bad_alloc const&) // NOLINT(bugprone-empty-catch): the connection is closed
    {
    }
    if (!returned)
        abandon(connection, std::move(idle));
}

bool connection_pool::return_idle(id connection, std::unique_ptr<net::connection>& idle)
{
    wait_queue::node_type completed;
    {
        std::lock_guard const lock(mutex_);
        if (closed_)
            return false;
        if (idle_.size() == idle_.capacity())
            idle_.reserve(2 * idle_.size() + 8);
        if (auto const next = policy_.release(connection, steady_clock::now()))
            completed = grant(*next, std::move(idle));
        else
        {
            idle_.emplace_back(connection, std::move(idle));
            start_idle_timer();
        }
    }
    post_completion(std::move(completed));
    return true;
}

void connection_pool::abandon(id connection, std::unique_ptr<net::connection> unusable) noexcept
{
    if (unusable)
        notify_closed(*unusable);
    unusable.reset();
    wait_queue::node_type completed;
    {
        std::lock_guard const lock(mutex_);
        if (context_is_gone_)
            return;
        if (auto const next = policy_.remove(connection))
            completed = grant(*next, nullptr);
    }
    post_completion(std::move(completed));
}

connection_pool::wait_queue::node_type connection_pool::grant(
    policy::pool_policy::grant const& next, std::unique_ptr<net::connection> idle) noexcept
{
    auto const found = queue_.find(next.operation);
    auto& [handler, granted] = found->second;
    granted = lease(shared_from_this(), next.decision.connection, std::move(idle));
    return handler ? queue_.extract(found) : wait_queue::node_type();
}

std::unique_ptr<net::connection> connection_pool::pop_idle(id connection) noexcept
{
    // The policy reuses the most recent one, which is at the end.
    auto const found = std::find_if(
        idle_.rbegin(), idle_.rend(), [&](auto const& one) { return one.first == connection; });
    auto idle = std::move(found->second);
    idle_.erase(std::next(found).base());
    return idle;
}

std::unique_ptr<net::connection> connection_pool::pop_expired(steady_clock::time_point now) noexcept
{
    auto const expired = policy_.expire(now);
    return expired ? pop_idle(*expired) : nullptr;
}

void connection_pool::close_expired() noexcept
{
    {
        std::lock_guard const lock(mutex_);
        idle_timer_runs_ = false;
    }
    close_each([this] { return policy_.expire(steady_clock::now()); });
    std::lock_guard const lock(mutex_);
    start_idle_timer();
}

void connection_pool::close_idle_since_before(steady_clock::time_point then) noexcept
{
    close_each([&] { return policy_.evict_idle_since_before(then); });
}

template <class Pop>
void connection_pool::close_each(Pop pop) noexcept
{
    for (;;)
    {
        std::unique_ptr<net::connection> idle;
        {
            std::lock_guard const lock(mutex_);
            auto const next = pop();
            if (!next)
                return;
            idle = pop_idle(*next);
        }
        notify_closed(*idle);
    }
}

void connection_pool::close(std::unique_ptr<net::connection> unused) const noexcept
{
    if (unused)
        notify_closed(*unused);
}

// Without memory for the timer, expired connections are closed at the next `acquire`.
void connection_pool::start_idle_timer() noexcept
{
    auto const next = policy_.next_expiry();
    if (idle_timer_runs_ || !idle_timer_ || !next)
        return;
    try
    {
        idle_timer_->start(
            *next,
            [weak = weak_from_this()]
            {
                if (auto const self = weak.lock())
                    self->close_expired();
            });
        idle_timer_runs_ = true;
    }
    catch (...) // NOLINT(bugprone-empty-catch)
    {
    }
}

void connection_pool::post_completion(wait_queue::node_type completed) noexcept
{
    if (completed)
        completed.mapped().handler.post(std::move(completed.mapped().granted));
}

void connection_pool::notify_closed(net::connection const& closed) const noexcept
{
    events_.notify([&](observer& to)
                   { to.on_connection_closed({closed.requests(), events_.context()}); });
}

void connection_pool::close() noexcept
{
    decltype(idle_) idle;
    {
        std::lock_guard const lock(mutex_);
        closed_ = true;
        idle.swap(idle_);
        while (policy_.expire(steady_clock::time_point::max()))
        {
        }
    }
    for (auto const& [number, closed] : idle)
        notify_closed(*closed);
}

void connection_pool::context_gone() noexcept
{
    decltype(idle_) idle;
    wait_queue waiting;
    std::lock_guard const lock(mutex_);
    closed_ = context_is_gone_ = true;
    idle_timer_.reset();
    idle.swap(idle_);
    waiting.swap(queue_);
}

void connection_pool::add_to(client_counters& counters) const
{
    std::lock_guard const lock(mutex_);
    counters.open += policy_.open();
    counters.idle += policy_.idle();
    counters.waiting += policy_.waiting();
}

} // namespace coauth::detail
