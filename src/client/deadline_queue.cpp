#include "client/deadline_queue.hpp"

#include <boost/asio/post.hpp>

#include <cstddef>
#include <utility>

namespace coauth::detail
{

namespace asio = boost::asio;
using boost::system::error_code;

// If an executor without memory destroys it without a call, the wait is initiated again.
class deadline_queue::timer_handler
{
public:
    using allocator_type = net::reserved_allocator<std::byte>;

    explicit timer_handler(std::shared_ptr<deadline_queue> const& queue) noexcept
        : queue_(queue)
        , allocator_(queue->memory_)
    {
    }
    timer_handler(timer_handler&&) noexcept = default;
    timer_handler& operator=(timer_handler&&) = delete;
    ~timer_handler()
    {
        auto const queue = queue_.lock();
        if (queue && !queue->is_arming_)
            queue->rearm();
    }

    [[nodiscard]] allocator_type get_allocator() const noexcept { return allocator_; }
    void operator()(error_code ec)
    {
        if (auto const queue = std::exchange(queue_, {}).lock())
            queue->on_timer(!ec);
    }

private:
    std::weak_ptr<deadline_queue> queue_;
    allocator_type allocator_;
};

deadline_queue::deadline_queue(asio::any_io_executor const& executor)
    : executor_(executor)
    , memory_(std::make_shared<net::reserved_memory>())
    , timer_(executor)
{
}

deadline_queue::~deadline_queue() = default;

bool deadline_queue::add(deadline_entry& entry, time_point deadline)
{
    std::lock_guard const lock(mutex_);
    if (closed_)
        return false;
    entry.deadline_ = deadline;
    by_deadline_.insert(entry);
    ++added_;
    try
    {
        arm();
    }
    catch (...)
    {
        by_deadline_.erase(by_deadline_.iterator_to(entry));
        --added_;
        throw;
    }
    entry.is_added_ = true;
    return true;
}

bool deadline_queue::set(deadline_entry& entry, time_point deadline) noexcept
{
    std::lock_guard const lock(mutex_);
    if (closed_)
        return false;
    relink(entry, deadline);
    return true;
}

bool deadline_queue::set_at_latest(deadline_entry& entry, time_point deadline) noexcept
{
    std::lock_guard const lock(mutex_);
    if (closed_)
        return false;
    if (entry.is_added_ && (!entry.is_linked() || entry.deadline_ > deadline))
        relink(entry, deadline);
    return true;
}

void deadline_queue::relink(deadline_entry& entry, time_point deadline) noexcept
{
    if (entry.is_linked())
        by_deadline_.erase(by_deadline_.iterator_to(entry));
    entry.deadline_ = deadline;
    by_deadline_.insert(entry);
    try_arm();
}

void deadline_queue::remove(deadline_entry& entry) noexcept
{
    std::lock_guard const lock(mutex_);
    if (entry.is_linked())
        by_deadline_.erase(by_deadline_.iterator_to(entry));
    if (std::exchange(entry.is_added_, false))
        --added_;
}

void deadline_queue::cancel_idle_timer() noexcept
{
    std::lock_guard const lock(mutex_);
    if (added_ == 0 && is_armed_ && timer_)
        timer_->cancel();
}

void deadline_queue::resume_later(std::shared_ptr<deadline_entry> entry) noexcept
{
    // Maybe the last owner: destroyed without the lock.
    auto const owner = std::move(entry);
    std::lock_guard const lock(mutex_);
    if (!timer_)
        return;
    try
    {
        asio::post(executor_, [owner] { owner->resume(); });
        return;
    }
    catch (...) // NOLINT(bugprone-empty-catch): the timer has memory
    {
    }
    owner->resume_owner_ = owner;
    owner->next_to_resume_ = nullptr;
    (last_to_resume_ != nullptr ? last_to_resume_->next_to_resume_ : first_to_resume_) =
        owner.get();
    last_to_resume_ = owner.get();
    try_arm();
}

void deadline_queue::close() noexcept
{
    {
        std::lock_guard const lock(mutex_);
        closed_ = true;
    }
    abort_all(errc::cancelled);
}

void deadline_queue::abort_all(errc reason) noexcept
{
    while (auto const entry = pop_due(time_point::max()))
        entry->abort(reason);
}

void deadline_queue::context_gone() noexcept
{
    {
        std::lock_guard const lock(mutex_);
        closed_ = true;
        timer_.reset();
    }
    while (auto const entry = pop_resumed())
    {
    }
}

std::shared_ptr<deadline_entry> deadline_queue::pop_due(time_point until) noexcept
{
    std::lock_guard const lock(mutex_);
    while (!by_deadline_.empty() && by_deadline_.begin()->deadline_ <= until)
    {
        auto& first = *by_deadline_.begin();
        by_deadline_.erase(by_deadline_.begin());
        if (auto self = first.weak_from_this().lock())
            return self;
    }
    return nullptr;
}

std::shared_ptr<deadline_entry> deadline_queue::pop_resumed() noexcept
{
    std::lock_guard const lock(mutex_);
    if (first_to_resume_ == nullptr)
        return nullptr;
    auto const first = first_to_resume_;
    first_to_resume_ = first->next_to_resume_;
    if (first_to_resume_ == nullptr)
        last_to_resume_ = nullptr;
    return std::move(first->resume_owner_);
}

void deadline_queue::arm()
{
    if (!timer_ || added_ == 0)
        return;
    auto until = time_point::max();
    if (first_to_resume_ != nullptr)
        until = deadline_entry::clock::now();
    else if (!by_deadline_.empty())
        until = by_deadline_.begin()->deadline_;
    if (is_armed_)
    {
        if (until >= armed_until_)
            return;
        timer_->cancel();
        armed_until_ = time_point::min();
        return;
    }
    struct arming_guard
    {
        explicit arming_guard(bool& flag) : flag_(flag) { flag_ = true; }
        ~arming_guard() { flag_ = false; }
        arming_guard(arming_guard const&) = delete;
        arming_guard& operator=(arming_guard const&) = delete;
        bool& flag_;
    };
    arming_guard const guard(is_arming_);
    timer_->expires_at(until);
    timer_->async_wait(timer_handler(shared_from_this()));
    is_armed_ = true;
    armed_until_ = until;
}

void deadline_queue::try_arm() noexcept
{
    try
    {
        arm();
    }
    catch (...) // NOLINT(bugprone-empty-catch): `rearm` and `add` handle it
    {
    }
}

// The wait has ended.
void deadline_queue::rearm() noexcept
{
    bool armed = true;
    {
        std::lock_guard const lock(mutex_);
        is_armed_ = false;
        try_arm();
        armed = is_armed_ || !timer_ || added_ == 0;
    }
    if (!armed)
        abort_all(errc::out_of_memory);
}

void deadline_queue::on_timer(bool fired)
{
    // Even if a handler throws.
    struct rearm_guard
    {
        ~rearm_guard() { queue.rearm(); }
        deadline_queue& queue;
    };
    rearm_guard const guard{*this};
    auto const now = deadline_entry::clock::now();
    if (fired)
        while (auto const entry = pop_due(now))
            entry->on_deadline(now);
    while (auto const entry = pop_resumed())
        entry->resume();
}

} // namespace coauth::detail
