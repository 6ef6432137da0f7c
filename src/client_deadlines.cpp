#include "client_deadlines.hpp"

namespace coauth::detail
{

using boost::system::error_code;

bool client_deadlines::set(timed& one, timed::clock::time_point deadline)
{
    try
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
    catch (...)
    {
        end_all(errc::out_of_memory);
        throw;
    }
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

void client_deadlines::close() noexcept
{
    {
        std::lock_guard const lock(mutex_);
        closed_ = true;
    }
    end_all(errc::cancelled);
}

void client_deadlines::end_all(errc why) noexcept
{
    while (auto const one = take(timed::clock::time_point::max()))
        one->end(why);
}

std::shared_ptr<timed> client_deadlines::take(timed::clock::time_point until) noexcept
{
    std::lock_guard const lock(mutex_);
    while (first_ != nullptr && first_->deadline_ <= until)
    {
        auto self = first_->weak_from_this().lock();
        unlink(*first_);
        if (self)
            return self;
    }
    return nullptr;
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
    armed_.reset();
    timer_->expires_at(first_->deadline_);
    timer_->async_wait(
        [weak = weak_from_this()](error_code ec)
        {
            auto const self = weak.lock();
            if (self && !ec)
                self->on_timer();
        });
    armed_ = first_->deadline_;
}

void client_deadlines::on_timer()
{
    auto const now = timed::clock::now();
    try
    {
        while (auto const one = take(now))
            one->expire(now);
        std::lock_guard const lock(mutex_);
        armed_.reset();
        arm();
    }
    catch (...)
    {
        end_all(errc::out_of_memory);
    }
}

} // namespace coauth::detail
