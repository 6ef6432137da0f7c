#include "policy/pool_policy.hpp"

#include "values/saturating_time.hpp"

#include <algorithm>

namespace coauth::policy
{

pool_policy::decision pool_policy::acquire(id operation, time_point now)
{
    // The most recent one is too old only when all are.
    if (!idle_.empty() && detail::after(idle_.back().since, limits_.idle_timeout) > now)
    {
        id const connection = idle_.back().connection;
        idle_.pop_back();
        return {verdict::reuse, connection, 0};
    }
    return enter(operation);
}

pool_policy::decision pool_policy::enter(id operation)
{
    if (open_ < limits_.max_connections)
    {
        ++open_;
        return {verdict::open, ++last_, 0};
    }
    // Not wanted, or too old: it gives its place to the new one.
    if (!idle_.empty())
    {
        id const evicted = idle_.front().connection;
        idle_.pop_front();
        return {verdict::open, ++last_, evicted};
    }
    if (line_.size() >= limits_.max_queued)
        return {verdict::refuse, 0, 0};
    line_.push_back(operation);
    return {verdict::wait, 0, 0};
}

std::optional<pool_policy::grant> pool_policy::release(id connection, time_point now)
{
    if (line_.empty())
    {
        idle_.push_back({connection, now});
        return std::nullopt;
    }
    id const next = line_.front();
    line_.pop_front();
    return grant{next, {verdict::reuse, connection, 0}};
}

std::optional<pool_policy::grant> pool_policy::drop(id)
{
    --open_;
    if (line_.empty())
        return std::nullopt;
    id const next = line_.front();
    line_.pop_front();
    return grant{next, enter(next)};
}

bool pool_policy::leave(id operation)
{
    auto const found = std::find(line_.begin(), line_.end(), operation);
    if (found == line_.end())
        return false;
    line_.erase(found);
    return true;
}

std::optional<pool_policy::id> pool_policy::expire(time_point now)
{
    if (idle_.empty() || detail::after(idle_.front().since, limits_.idle_timeout) > now)
        return std::nullopt;
    id const gone = idle_.front().connection;
    idle_.pop_front();
    --open_;
    return gone;
}

std::optional<pool_policy::time_point> pool_policy::next_expiry() const
{
    if (idle_.empty())
        return std::nullopt;
    return detail::after(idle_.front().since, limits_.idle_timeout);
}

} // namespace coauth::policy
