#include "testing/request_log.hpp"

#include "testing/clamp_duration.hpp"

#include <algorithm>
#include <utility>

namespace coauth::testing
{

namespace
{

bool matches(response const& scripted, received_request const& request)
{
    return scripted.path.empty() ||
           scripted.path == request.target.substr(0, request.target.find('?'));
}

} // namespace

void request_log::push(response scripted)
{
    std::lock_guard const lock(mutex_);
    queued_.push_back(std::move(scripted));
}

void request_log::set(response scripted)
{
    std::lock_guard const lock(mutex_);
    std::erase_if(permanent_, [&](response const& old) { return old.path == scripted.path; });
    // A response for one path takes precedence over the one for all paths.
    auto const position = scripted.path.empty() ? permanent_.end() : permanent_.begin();
    permanent_.insert(position, std::move(scripted));
}

void request_log::clear()
{
    std::lock_guard const lock(mutex_);
    queued_.clear();
    permanent_.clear();
}

std::optional<response> request_log::record(received_request const& request)
{
    std::lock_guard const lock(mutex_);
    ++received_count_;
    requests_.push_back(request);
    if (requests_.size() > max_requests_)
        requests_.pop_front();
    changed_.notify_all();
    auto const is_match = [&](response const& scripted) { return matches(scripted, request); };
    auto const next = std::find_if(queued_.begin(), queued_.end(), is_match);
    if (next != queued_.end())
    {
        auto found = std::move(*next);
        queued_.erase(next);
        return found;
    }
    auto const permanent = std::find_if(permanent_.begin(), permanent_.end(), is_match);
    return permanent == permanent_.end() ? std::nullopt : std::optional(*permanent);
}

void request_log::count_connection()
{
    std::lock_guard const lock(mutex_);
    ++connection_count_;
    changed_.notify_all();
}

void request_log::set_server_name(std::string name)
{
    std::lock_guard const lock(mutex_);
    server_name_ = std::move(name);
}

std::vector<received_request> request_log::requests() const
{
    std::lock_guard const lock(mutex_);
    return {requests_.begin(), requests_.end()};
}

std::string request_log::server_name() const
{
    std::lock_guard const lock(mutex_);
    return server_name_;
}

std::size_t request_log::connections() const
{
    std::lock_guard const lock(mutex_);
    return connection_count_;
}

bool request_log::wait_for_connections(std::size_t count, std::chrono::milliseconds limit) const
{
    std::unique_lock lock(mutex_);
    return changed_.wait_for(
        lock, clamp_duration(limit), [&] { return connection_count_ >= count; });
}

bool request_log::wait_for_requests(std::size_t count, std::chrono::milliseconds limit) const
{
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, clamp_duration(limit), [&] { return received_count_ >= count; });
}

} // namespace coauth::testing
