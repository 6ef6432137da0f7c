#include "net/happy_eyeballs.hpp"

#include "values/saturating_time.hpp"

#include <boost/asio/error.hpp>

#include <utility>

namespace coauth::net
{

namespace asio = boost::asio;
using boost::system::error_code;

endpoints interleaved(endpoints const& addresses)
{
    endpoints first;
    endpoints second;
    for (auto const& address : addresses)
        (address.protocol() == addresses.front().protocol() ? first : second).push_back(address);
    endpoints all;
    for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i)
    {
        if (i < first.size())
            all.push_back(first[i]);
        if (i < second.size())
            all.push_back(second[i]);
    }
    return all;
}

happy_eyeballs::happy_eyeballs(
    asio::any_io_executor executor, endpoints const& addresses,
    std::chrono::milliseconds connection_attempt_delay)
    : executor_(std::move(executor))
    , addresses_(interleaved(addresses))
    , head_start_(connection_attempt_delay)
    , timer_(executor_)
{
}

void happy_eyeballs::begin(handler done)
{
    std::lock_guard const lock(mutex_);
    done_ = std::move(done);
    start_next();
}

void happy_eyeballs::cancel() noexcept
{
    std::lock_guard const lock(mutex_);
    next_ = addresses_.size();
    cancel_all();
}

// One that could not be opened has nothing to cancel, which is no fault.
void happy_eyeballs::cancel_all() noexcept
{
    error_code ignored;
    timer_.cancel();
    for (auto& one : running_)
        one.cancel(ignored);
}

void happy_eyeballs::start_next()
{
    auto const& address = addresses_[next_++];
    auto const which = running_.emplace(running_.end(), executor_);
    try
    {
        which->async_connect(
            address,
            [self = shared_from_this(), which](error_code ec) { self->connected(which, ec); });
    }
    catch (...)
    {
        running_.erase(which);
        throw;
    }
    if (next_ < addresses_.size())
        start_timer();
}

bool happy_eyeballs::try_next() noexcept
{
    try
    {
        start_next();
        return true;
    }
    catch (...)
    {
        return false;
    }
}

void happy_eyeballs::start_timer()
{
    timer_.expires_at(detail::after(std::chrono::steady_clock::now(), head_start_));
    timer_.async_wait(
        [self = shared_from_this()](error_code ec)
        {
            std::lock_guard const lock(self->mutex_);
            if (!ec && !self->finished_ && self->next_ < self->addresses_.size())
                (void)self->try_next();
        });
}

void happy_eyeballs::connected(std::list<socket>::iterator which, error_code ec)
{
    std::unique_lock lock(mutex_);
    socket one = std::move(*which);
    running_.erase(which);
    if (finished_)
        return;
    if (!ec)
        return finish(std::move(lock), ec, std::move(one));
    while (next_ < addresses_.size())
        if (try_next())
            return;
    if (running_.empty())
        finish(std::move(lock), ec, std::move(one));
}

void happy_eyeballs::finish(
    std::unique_lock<std::mutex> lock, error_code ec, std::optional<socket> won)
{
    finished_ = true;
    cancel_all();
    auto done = std::move(done_);
    lock.unlock();
    std::move(done)(ec, std::move(won));
}

} // namespace coauth::net
