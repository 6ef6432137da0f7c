#include "client/connection_pool.hpp"

#include <algorithm>

namespace coauth::detail
{

namespace asio = boost::asio;
using std::chrono::steady_clock;

void connection_pool::lease::replace(std::unique_ptr<net::connection> fresh)
{
    std::swap(connection_, fresh);
    if (fresh)
        pool_->closed(*fresh);
}

void connection_pool::lease::release() &&
{
    auto const pool = std::move(pool_);
    pool->release(id_, std::move(connection_));
}

void connection_pool::lease::drop() noexcept
{
    if (auto const pool = std::move(pool_))
        pool->drop(id_, std::move(connection_));
}

connection_pool::connection_pool(client_config const& config, asio::any_io_executor on)
    : executor(std::move(on))
    , events_(config.observer, {})
    , reuse_(config.connections.idle_timeout.count() > 0)
    , policy_(
          {config.connections.max_connections, config.connections.max_queued,
           config.connections.idle_timeout})
{
    if (reuse_)
        idle_timer_.emplace(executor);
}

connection_pool::verdict connection_pool::acquire(id operation, lease& granted)
{
    std::unique_ptr<net::connection> expired;
    std::unique_ptr<net::connection> evicted;
    verdict outcome = verdict::granted;
    {
        std::lock_guard const lock(mutex_);
        expired = take_expired();
        auto const decided = policy_.acquire(operation, steady_clock::now());
        if (decided.evicted != 0)
            evicted = pop_idle(decided.evicted);
        if (decided.what == policy::pool_policy::verdict::refuse)
            outcome = verdict::refused;
        else if (decided.what == policy::pool_policy::verdict::wait)
            outcome = enqueue(operation);
        else
            granted = lease(
                shared_from_this(), decided.connection,
                decided.what == policy::pool_policy::verdict::reuse ? pop_idle(decided.connection)
                                                                    : nullptr);
    }
    for (auto const* const one : {expired.get(), evicted.get()})
        if (one != nullptr)
            closed(*one);
    return outcome;
}

connection_pool::verdict connection_pool::enqueue(id operation)
{
    try
    {
        line_.try_emplace(operation);
    }
    catch (...)
    {
        policy_.leave(operation);
        throw;
    }
    return verdict::wait;
}

connection_pool::verdict connection_pool::waiter::acquire(lease& granted)
{
    auto const outcome = pool_.acquire(operation_, granted);
    in_line_ = outcome == verdict::wait;
    return outcome;
}

void connection_pool::waiter::begin(handler done)
{
    pool_.wait(operation_, std::move(done));
}

void connection_pool::waiter::cancel() noexcept
{
    pool_.leave(operation_);
}

void connection_pool::wait(id operation, waiter::handler done)
{
    line::node_type woken;
    {
        std::lock_guard const lock(mutex_);
        auto const found = line_.find(operation);
        if (found == line_.end())
            return;
        found->second.done = std::move(done);
        if (!found->second.granted)
            return;
        woken = line_.extract(found);
    }
    post_completion(std::move(woken));
}

void connection_pool::leave(id operation) noexcept
{
    line::node_type woken;
    {
        std::lock_guard const lock(mutex_);
        auto const found = line_.find(operation);
        // Without a handler it does not wait yet, and will not.
        if (found == line_.end() || !found->second.done || !policy_.leave(operation))
            return;
        woken = line_.extract(found);
    }
    post_completion(std::move(woken));
}

// Of an operation that was given up without being woken.
void connection_pool::forget(id operation) noexcept
{
    line::node_type gone;
    std::lock_guard const lock(mutex_);
    gone = line_.extract(operation);
    if (gone)
        policy_.leave(operation);
}

void connection_pool::release(id connection, std::unique_ptr<net::connection> idle) noexcept
{
    bool kept = false;
    try
    {
        kept = reuse_ && keep(connection, idle);
    }
    catch (std::bad_alloc const&) // NOLINT(bugprone-empty-catch): it is closed then
    {
    }
    if (!kept)
        drop(connection, std::move(idle));
}

bool connection_pool::keep(id connection, std::unique_ptr<net::connection>& idle)
{
    line::node_type woken;
    {
        std::lock_guard const lock(mutex_);
        if (closed_)
            return false;
        if (idle_.size() == idle_.capacity())
            idle_.reserve(2 * idle_.size() + 8);
        if (auto const next = policy_.release(connection, steady_clock::now()))
            woken = grant(*next, std::move(idle));
        else
        {
            idle_.emplace_back(connection, std::move(idle));
            watch_idle();
        }
    }
    post_completion(std::move(woken));
    return true;
}

void connection_pool::drop(id connection, std::unique_ptr<net::connection> gone) noexcept
{
    if (gone)
        closed(*gone);
    gone.reset();
    line::node_type woken;
    {
        std::lock_guard const lock(mutex_);
        if (gone_)
            return;
        if (auto const next = policy_.drop(connection))
            woken = grant(*next, nullptr);
    }
    post_completion(std::move(woken));
}

connection_pool::line::node_type connection_pool::grant(
    policy::pool_policy::grant const& next, std::unique_ptr<net::connection> idle) noexcept
{
    auto const found = line_.find(next.operation);
    auto& [done, granted] = found->second;
    granted = lease(shared_from_this(), next.next.connection, std::move(idle));
    return done ? line_.extract(found) : line::node_type();
}

std::unique_ptr<net::connection> connection_pool::pop_idle(id connection) noexcept
{
    // The most recent is the likeliest.
    auto const found = std::find_if(
        idle_.rbegin(), idle_.rend(), [&](auto const& one) { return one.first == connection; });
    auto taken = std::move(found->second);
    idle_.erase(std::next(found).base());
    return taken;
}

std::unique_ptr<net::connection> connection_pool::take_expired() noexcept
{
    auto const expired = policy_.expire(steady_clock::now());
    return expired ? pop_idle(*expired) : nullptr;
}

void connection_pool::close_expired() noexcept
{
    {
        std::lock_guard const lock(mutex_);
        idle_watched_ = false;
    }
    for (;;)
    {
        std::unique_ptr<net::connection> expired;
        {
            std::lock_guard const lock(mutex_);
            expired = take_expired();
            if (!expired)
                return watch_idle();
        }
        closed(*expired);
    }
}

// Where memory fails, they are closed when the client is next used.
void connection_pool::watch_idle() noexcept
{
    auto const next = policy_.next_expiry();
    if (idle_watched_ || !idle_timer_ || !next)
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
        idle_watched_ = true;
    }
    catch (...) // NOLINT(bugprone-empty-catch)
    {
    }
}

void connection_pool::post_completion(line::node_type woken) noexcept
{
    if (woken)
        woken.mapped().done.post(std::move(woken.mapped().granted));
}

void connection_pool::closed(net::connection const& one) const
{
    events_.tell([&](observer& to) { to.on_connection_closed({one.requests()}); });
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
    for (auto const& [number, one] : idle)
        closed(*one);
}

void connection_pool::context_gone() noexcept
{
    decltype(idle_) idle;
    line waiting;
    std::lock_guard const lock(mutex_);
    closed_ = gone_ = true;
    idle_timer_.reset();
    idle.swap(idle_);
    waiting.swap(line_);
}

void connection_pool::count(client_counters& into) const
{
    std::lock_guard const lock(mutex_);
    into.open += policy_.open();
    into.idle += policy_.idle();
    into.waiting += policy_.waiting();
}

} // namespace coauth::detail
