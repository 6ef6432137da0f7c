#include "testing/request_log.hpp"

#include "testing/long_times.hpp"

#include <algorithm>
#include <utility>

namespace coauth::testing
{

namespace
{

bool is_for(response const& a, received_request const& request)
{
    return a.path.empty() || a.path == request.target.substr(0, request.target.find('?'));
}

} // namespace

void request_log::push(response a)
{
    std::lock_guard const lock(mutex_);
    pushed_.push_back(std::move(a));
}

void request_log::set(response a)
{
    std::lock_guard const lock(mutex_);
    std::erase_if(always_, [&](response const& old) { return old.path == a.path; });
    // One for a path goes before the one for all.
    always_.insert(a.path.empty() ? always_.end() : always_.begin(), std::move(a));
}

void request_log::clear()
{
    std::lock_guard const lock(mutex_);
    pushed_.clear();
    always_.clear();
}

std::optional<response> request_log::record(received_request const& request)
{
    std::lock_guard const lock(mutex_);
    ++received_;
    requests_.push_back(request);
    if (requests_.size() > remembered_)
        requests_.pop_front();
    changed_.notify_all();
    auto const for_it = [&](response const& a) { return is_for(a, request); };
    auto const next = std::find_if(pushed_.begin(), pushed_.end(), for_it);
    if (next != pushed_.end())
    {
        auto found = std::move(*next);
        pushed_.erase(next);
        return found;
    }
    auto const standing = std::find_if(always_.begin(), always_.end(), for_it);
    return standing == always_.end() ? std::nullopt : std::optional(*standing);
}

void request_log::count_connection()
{
    std::lock_guard const lock(mutex_);
    ++connections_;
    changed_.notify_all();
}

void request_log::note_server_name(std::string name)
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
    return connections_;
}

bool request_log::wait_for_connections(std::size_t count, std::chrono::milliseconds limit) const
{
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, countable(limit), [&] { return connections_ >= count; });
}

bool request_log::wait_for_requests(std::size_t count, std::chrono::milliseconds limit) const
{
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, countable(limit), [&] { return received_ >= count; });
}

} // namespace coauth::testing
