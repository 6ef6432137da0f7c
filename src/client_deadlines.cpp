#include "client_deadlines.hpp"

#include <vector>

namespace coauth::detail
{

using boost::system::error_code;

bool client_deadlines::set(timed& one, timed::clock::time_point deadline)
{
    std::lock_guard const lock(mutex_);
    if (closed_)
        return false;
    if (one.listed_)
        unlink(one);
    one.deadline_ = deadline;
    link(one);
    arm();
    return true;
}

void client_deadlines::remove(timed& one)
{
    std::lock_guard const lock(mutex_);
    if (one.listed_)
        unlink(one);
}

void client_deadlines::settle()
{
    std::lock_guard const lock(mutex_);
    if (first_ != nullptr || !armed_ || !timer_)
        return;
    armed_.reset();
    timer_->cancel();
}

void client_deadlines::close()
{
    std::vector<std::shared_ptr<timed>> open;
    {
        std::lock_guard const lock(mutex_);
        closed_ = true;
        for (auto* one = first_; one != nullptr; one = one->next_)
            if (auto self = one->weak_from_this().lock())
                open.push_back(std::move(self));
    }
    for (auto const& one : open)
        one->close();
}

void client_deadlines::context_gone() noexcept
{
    std::lock_guard const lock(mutex_);
    closed_ = true;
    timer_.reset();
    armed_.reset();
}

// From the end: most deadlines are later than all before.
void client_deadlines::link(timed& one)
{
    timed* after = last_;
    while (after != nullptr && after->deadline_ > one.deadline_)
        after = after->previous_;
    one.previous_ = after;
    one.next_ = after != nullptr ? after->next_ : first_;
    (one.next_ != nullptr ? one.next_->previous_ : last_) = &one;
    (after != nullptr ? after->next_ : first_) = &one;
    one.listed_ = true;
}

void client_deadlines::unlink(timed& one)
{
    (one.next_ != nullptr ? one.next_->previous_ : last_) = one.previous_;
    (one.previous_ != nullptr ? one.previous_->next_ : first_) = one.next_;
    one.listed_ = false;
}

void client_deadlines::arm()
{
    if (first_ == nullptr || !timer_ || (armed_ && *armed_ <= first_->deadline_))
        return;
    armed_ = first_->deadline_;
    timer_->expires_at(*armed_);
    timer_->async_wait(
        [weak = weak_from_this()](error_code ec)
        {
            auto const self = weak.lock();
            if (self && !ec)
                self->on_timer();
        });
}

void client_deadlines::on_timer()
{
    auto const now = timed::clock::now();
    std::vector<std::shared_ptr<timed>> expired;
    {
        std::lock_guard const lock(mutex_);
        armed_.reset();
        while (first_ != nullptr && first_->deadline_ <= now)
        {
            if (auto self = first_->weak_from_this().lock())
                expired.push_back(std::move(self));
            unlink(*first_);
        }
        arm();
    }
    for (auto const& one : expired)
        one->expire(now);
}

} // namespace coauth::detail
