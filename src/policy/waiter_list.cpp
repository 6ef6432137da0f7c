#include "policy/waiter_list.hpp"

namespace coauth::policy
{

void waiter_list::push(waiter_base& who)
{
    if (who.limit != waiter_base::no_limit)
    {
        limits_.push_back(&who);
        sift_up(limits_.size() - 1);
    }
    who.previous_ = last_;
    who.next_ = nullptr;
    (last_ != nullptr ? last_->next_ : first_) = &who;
    last_ = &who;
    who.generation_ = generation_;
    ++size_;
}

bool waiter_list::remove(waiter_base& who) noexcept
{
    if (who.generation_ != generation_)
        return false;
    unlink(who);
    return true;
}

waiter_base* waiter_list::pop_expired(waiter_base::time_point now) noexcept
{
    if (limits_.empty() || limits_.front()->limit > now)
        return nullptr;
    waiter_base* const taken = limits_.front();
    unlink(*taken);
    return taken;
}

waiter_batch waiter_list::take_all() noexcept
{
    waiter_batch taken(first_, size_);
    first_ = last_ = nullptr;
    size_ = 0;
    limits_.clear();
    // Those taken are no longer in this list, and need not be touched to know it.
    ++generation_;
    return taken;
}

std::optional<waiter_base::time_point> waiter_list::next_limit() const noexcept
{
    if (limits_.empty())
        return std::nullopt;
    return limits_.front()->limit;
}

void waiter_list::unlink(waiter_base& who) noexcept
{
    (who.next_ != nullptr ? who.next_->previous_ : last_) = who.previous_;
    (who.previous_ != nullptr ? who.previous_->next_ : first_) = who.next_;
    who.generation_ = 0;
    --size_;
    if (who.limit == waiter_base::no_limit)
        return;
    auto const hole = who.place_;
    waiter_base* const moved = limits_.back();
    limits_.pop_back();
    if (moved == &who)
        return;
    place(hole, moved);
    sift_up(hole);
    sift_down(moved->place_);
}

void waiter_list::place(std::size_t at, waiter_base* who) noexcept
{
    limits_[at] = who;
    who->place_ = at;
}

void waiter_list::sift_up(std::size_t at) noexcept
{
    waiter_base* const who = limits_[at];
    while (at != 0 && limits_[(at - 1) / 2]->limit > who->limit)
    {
        place(at, limits_[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(at, who);
}

void waiter_list::sift_down(std::size_t at) noexcept
{
    waiter_base* const who = limits_[at];
    for (;;)
    {
        auto child = 2 * at + 1;
        if (child + 1 < limits_.size() && limits_[child + 1]->limit < limits_[child]->limit)
            ++child;
        if (child >= limits_.size() || limits_[child]->limit >= who->limit)
            break;
        place(at, limits_[child]);
        at = child;
    }
    place(at, who);
}

} // namespace coauth::policy
