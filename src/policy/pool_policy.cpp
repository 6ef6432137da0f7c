#include "policy/pool_policy.hpp"

#include "values/saturating_time.hpp"

#include <algorithm>

namespace coauth::policy
{

pool_policy::decision pool_policy::acquire(id operation, time_point now)
{
    // If the most recently used one is too old, all are.
    if (!idle_.empty() && detail::after(idle_.back().idle_since, limits_.idle_timeout) > now)
    {
        id const connection = idle_.back().connection;
        idle_.pop_back();
        return {decision_kind::reuse, connection, 0};
    }
    return open_or_enqueue(operation);
}

pool_policy::decision pool_policy::open_or_enqueue(id operation)
{
    if (open_count_ < limits_.max_connections)
    {
        ++open_count_;
        return {decision_kind::open, ++last_id_, 0};
    }
    // Idle connections that were not reused are too old: one is closed to make room.
    if (!idle_.empty())
    {
        id const evicted = idle_.front().connection;
        idle_.pop_front();
        return {decision_kind::open, ++last_id_, evicted};
    }
    if (queue_.size() >= limits_.max_queued)
        return {decision_kind::refuse, 0, 0};
    queue_.push_back(operation);
    return {decision_kind::wait, 0, 0};
}

std::optional<pool_policy::grant> pool_policy::release(id connection, time_point now)
{
    if (queue_.empty())
    {
        idle_.push_back({connection, now});
        return std::nullopt;
    }
    id const next = queue_.front();
    queue_.pop_front();
    return grant{next, {decision_kind::reuse, connection, 0}};
}

std::optional<pool_policy::grant> pool_policy::remove(id)
{
    --open_count_;
    if (queue_.empty())
        return std::nullopt;
    id const next = queue_.front();
    queue_.pop_front();
    return grant{next, open_or_enqueue(next)};
}

bool pool_policy::cancel(id operation)
{
    auto const found = std::find(queue_.begin(), queue_.end(), operation);
    if (found == queue_.end())
        return false;
    queue_.erase(found);
    return true;
}

std::optional<pool_policy::id> pool_policy::expire(time_point now)
{
    if (idle_.empty() || detail::after(idle_.front().idle_since, limits_.idle_timeout) > now)
        return std::nullopt;
    return pop_oldest();
}

std::optional<pool_policy::id> pool_policy::evict_idle_since_before(time_point then)
{
    if (idle_.empty() || idle_.front().idle_since >= then)
        return std::nullopt;
    return pop_oldest();
}

pool_policy::id pool_policy::pop_oldest()
{
    id const oldest = idle_.front().connection;
    idle_.pop_front();
    --open_count_;
    return oldest;
}

std::optional<pool_policy::time_point> pool_policy::next_expiry() const
{
    if (idle_.empty())
        return std::nullopt;
    return detail::after(idle_.front().idle_since, limits_.idle_timeout);
}

} // namespace coauth::policy
