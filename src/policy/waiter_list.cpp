#include "policy/waiter_list.hpp"

namespace coauth::policy
{

void waiter_list::push(waiter_base& waiter)
{
    if (waiter.limit != waiter_base::no_limit)
    {
        limits_.push_back(&waiter);
        sift_up(limits_.size() - 1);
    }
    waiter.previous_ = last_;
    waiter.next_ = nullptr;
    (last_ != nullptr ? last_->next_ : first_) = &waiter;
    last_ = &waiter;
    waiter.generation_ = generation_;
    ++size_;
}

bool waiter_list::remove(waiter_base& waiter) noexcept
{
    if (waiter.generation_ != generation_)
        return false;
    unlink(waiter);
    return true;
}

waiter_base* waiter_list::pop_expired(waiter_base::time_point now) noexcept
{
    if (limits_.empty() || limits_.front()->limit > now)
        return nullptr;
    waiter_base* const expired = limits_.front();
    unlink(*expired);
    return expired;
}

waiter_batch waiter_list::take_all() noexcept
{
    waiter_batch batch(first_, size_);
    first_ = last_ = nullptr;
    size_ = 0;
    limits_.clear();
    // Removes them from this list without a write to each of them.
    ++generation_;
    return batch;
}

std::optional<waiter_base::time_point> waiter_list::next_limit() const noexcept
{
    if (limits_.empty())
        return std::nullopt;
    return limits_.front()->limit;
}

void waiter_list::unlink(waiter_base& waiter) noexcept
{
    (waiter.next_ != nullptr ? waiter.next_->previous_ : last_) = waiter.previous_;
    (waiter.previous_ != nullptr ? waiter.previous_->next_ : first_) = waiter.next_;
    waiter.generation_ = 0;
    --size_;
    if (waiter.limit == waiter_base::no_limit)
        return;
    auto const index = waiter.heap_index_;
    waiter_base* const last = limits_.back();
    limits_.pop_back();
    if (last == &waiter)
        return;
    set_heap_entry(index, last);
    sift_up(index);
    sift_down(last->heap_index_);
}

void waiter_list::set_heap_entry(std::size_t index, waiter_base* waiter) noexcept
{
    limits_[index] = waiter;
    waiter->heap_index_ = index;
}

void waiter_list::sift_up(std::size_t index) noexcept
{
    waiter_base* const waiter = limits_[index];
    while (index != 0 && limits_[(index - 1) / 2]->limit > waiter->limit)
    {
        set_heap_entry(index, limits_[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    set_heap_entry(index, waiter);
}

void waiter_list::sift_down(std::size_t index) noexcept
{
    waiter_base* const waiter = limits_[index];
    for (;;)
    {
        auto child = 2 * index + 1;
        if (child + 1 < limits_.size() && limits_[child + 1]->limit < limits_[child]->limit)
            ++child;
        if (child >= limits_.size() || limits_[child]->limit >= waiter->limit)
            break;
        set_heap_entry(index, limits_[child]);
        index = child;
    }
    set_heap_entry(index, waiter);
}

} // namespace coauth::policy
