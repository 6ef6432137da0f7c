#include "testing/journal.hpp"

#include <utility>

namespace coauth::testing
{

void journal::push(answer a)
{
    std::lock_guard const lock(mutex_);
    pushed_.push_back(std::move(a));
}

void journal::always(answer a)
{
    std::lock_guard const lock(mutex_);
    always_ = std::move(a);
}

void journal::unscript()
{
    std::lock_guard const lock(mutex_);
    pushed_.clear();
    always_.reset();
}

std::optional<answer> journal::record(received_request const& request)
{
    std::lock_guard const lock(mutex_);
    requests_.push_back(request);
    changed_.notify_all();
    if (pushed_.empty())
        return always_;
    auto next = std::move(pushed_.front());
    pushed_.pop_front();
    return next;
}

void journal::count_connection()
{
    std::lock_guard const lock(mutex_);
    ++connections_;
    changed_.notify_all();
}

void journal::note_server_name(std::string name)
{
    std::lock_guard const lock(mutex_);
    server_name_ = std::move(name);
}

std::vector<received_request> journal::requests() const
{
    std::lock_guard const lock(mutex_);
    return requests_;
}

std::string journal::server_name() const
{
    std::lock_guard const lock(mutex_);
    return server_name_;
}

std::size_t journal::connections() const
{
    std::lock_guard const lock(mutex_);
    return connections_;
}

bool journal::wait_for_connections(std::size_t count, std::chrono::milliseconds limit) const
{
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [&] { return connections_ >= count; });
}

bool journal::wait_for_requests(std::size_t count, std::chrono::milliseconds limit) const
{
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [&] { return requests_.size() >= count; });
}

} // namespace coauth::testing
