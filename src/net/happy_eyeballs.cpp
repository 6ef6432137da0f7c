#include "net/happy_eyeballs.hpp"

#include "net/socket_calls.hpp"
#include "values/saturating_time.hpp"

#include <boost/asio/error.hpp>

#include <unistd.h>
#include <utility>

namespace coauth::net
{

namespace asio = boost::asio;
using boost::system::error_code;

namespace
{

// If the socket cannot be opened, the connect reports it.
void open_close_on_exec(
    happy_eyeballs::socket& socket, happy_eyeballs::socket::protocol_type protocol)
{
    int const descriptor = open_socket(protocol.family(), protocol.type(), protocol.protocol());
    if (descriptor < 0)
        return;
    error_code ec;
    socket.assign(protocol, descriptor, ec);
    if (ec)
        ::close(descriptor);
}

} // namespace

endpoints interleave(endpoints const& addresses)
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
    , addresses_(interleave(addresses))
    , connection_attempt_delay_(connection_attempt_delay)
    , timer_(executor_)
{
}

void happy_eyeballs::begin(handler completion)
{
    std::lock_guard const lock(mutex_);
    completion_ = std::move(completion);
    start_next();
}

void happy_eyeballs::cancel() noexcept
{
    std::lock_guard const lock(mutex_);
    next_ = addresses_.size();
    cancel_all();
}

// A socket that could not be opened has nothing to cancel: its error is ignored.
void happy_eyeballs::cancel_all() noexcept
{
    error_code ignored;
    timer_.cancel();
    for (auto& attempt : attempts_)
        attempt.cancel(ignored);
}

void happy_eyeballs::start_next()
{
    auto const& address = addresses_[next_++];
    auto const attempt = attempts_.emplace(attempts_.end(), executor_);
    open_close_on_exec(*attempt, address.protocol());
    try
    {
        attempt->async_connect(
            address,
            [self = shared_from_this(), attempt](error_code ec) { self->on_connect(attempt, ec); });
    }
    catch (...)
    {
        attempts_.erase(attempt);
        throw;
    }
    if (next_ < addresses_.size())
        start_timer();
}

bool happy_eyeballs::start_next_noexcept() noexcept
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
    timer_.expires_at(detail::after(std::chrono::steady_clock::now(), connection_attempt_delay_));
    timer_.async_wait(
        [self = shared_from_this()](error_code ec)
        {
            std::lock_guard const lock(self->mutex_);
            if (!ec && !self->completed_ && self->next_ < self->addresses_.size())
                (void)self->start_next_noexcept();
        });
}

void happy_eyeballs::on_connect(std::list<socket>::iterator attempt, error_code ec)
{
    std::unique_lock lock(mutex_);
    socket connected = std::move(*attempt);
    attempts_.erase(attempt);
    if (completed_)
        return;
    if (!ec)
        return complete(std::move(lock), ec, std::move(connected));
    while (next_ < addresses_.size())
        if (start_next_noexcept())
            return;
    if (attempts_.empty())
        complete(std::move(lock), ec, std::move(connected));
}

void happy_eyeballs::complete(
    std::unique_lock<std::mutex> lock, error_code ec, std::optional<socket> connected)
{
    completed_ = true;
    cancel_all();
    auto completion = std::move(completion_);
    lock.unlock();
    std::move(completion)(ec, std::move(connected));
}

} // namespace coauth::net
