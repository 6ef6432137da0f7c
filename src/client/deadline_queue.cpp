#include "client/deadline_queue.hpp"

#include <boost/asio/post.hpp>

#include <cstddef>
#include <utility>

namespace coauth::detail
{

namespace asio = boost::asio;
using boost::system::error_code;

// Destroyed without a call, as by an executor that has no memory, it is begun anew.
class deadline_queue::timer_handler
{
public:
    using allocator_type = net::reserved_allocator<std::byte>;

    explicit timer_handler(std::shared_ptr<deadline_queue> const& of) noexcept
        : of_(of)
        , allocator_(of->memory_)
    {
    }
    timer_handler(timer_handler&&) noexcept = default;
    timer_handler& operator=(timer_handler&&) = delete;
    ~timer_handler()
    {
        auto const of = of_.lock();
        if (of && !of->arming_)
            of->rearm();
    }

    [[nodiscard]] allocator_type get_allocator() const noexcept { return allocator_; }
    void operator()(error_code ec)
    {
        if (auto const of = std::exchange(of_, {}).lock())
            of->run_due(!ec);
    }

private:
    std::weak_ptr<deadline_queue> of_;
    allocator_type allocator_;
};

deadline_queue::deadline_queue(asio::any_io_executor const& executor)
    : executor_(executor)
    , memory_(std::make_shared<net::reserved_memory>())
    , timer_(executor)
{
}

deadline_queue::~deadline_queue() = default;

bool deadline_queue::add(deadline_entry& one, deadline_entry::clock::time_point deadline)
{
    std::lock_guard const lock(mutex_);
    if (closed_)
        return false;
    one.deadline_ = deadline;
    by_deadline_.insert(one);
    ++added_;
    try
    {
        arm();
    }
    catch (...)
    {
        by_deadline_.erase(by_deadline_.iterator_to(one));
        --added_;
        throw;
    }
    one.added_ = true;
    return true;
}

bool deadline_queue::set(deadline_entry& one, deadline_entry::clock::time_point deadline) noexcept
{
    std::lock_guard const lock(mutex_);
    if (closed_)
        return false;
    if (one.is_linked())
        by_deadline_.erase(by_deadline_.iterator_to(one));
    one.deadline_ = deadline;
    by_deadline_.insert(one);
    rearm_with_lock();
    return true;
}

void deadline_queue::remove(deadline_entry& one) noexcept
{
    std::lock_guard const lock(mutex_);
    if (one.is_linked())
        by_deadline_.erase(by_deadline_.iterator_to(one));
    if (std::exchange(one.added_, false))
        --added_;
}

void deadline_queue::settle() noexcept
{
    std::lock_guard const lock(mutex_);
    if (added_ == 0 && waits_ && timer_)
        timer_->cancel();
}

void deadline_queue::resume_later(std::shared_ptr<deadline_entry> one) noexcept
{
    // Its last owner may be here: it goes without the lock.
    auto const kept = std::move(one);
    std::lock_guard const lock(mutex_);
    if (!timer_)
        return;
    try
    {
        asio::post(executor_, [kept] { kept->resume(); });
        return;
    }
    catch (...) // NOLINT(bugprone-empty-catch): the timer needs no memory
    {
    }
    kept->resumed_ = kept;
    kept->next_resumed_ = nullptr;
    (last_resumed_ != nullptr ? last_resumed_->next_resumed_ : first_resumed_) = kept.get();
    last_resumed_ = kept.get();
    rearm_with_lock();
}

void deadline_queue::close() noexcept
{
    {
        std::lock_guard const lock(mutex_);
        closed_ = true;
    }
    end_all(errc::cancelled);
}

void deadline_queue::end_all(errc why) noexcept
{
    while (auto const one = take_due(deadline_entry::clock::time_point::max()))
        one->end(why);
}

void deadline_queue::context_gone() noexcept
{
    {
        std::lock_guard const lock(mutex_);
        closed_ = true;
        timer_.reset();
    }
    while (auto const one = take_resumed())
    {
    }
}

std::shared_ptr<deadline_entry>
deadline_queue::take_due(deadline_entry::clock::time_point until) noexcept
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

std::shared_ptr<deadline_entry> deadline_queue::take_resumed() noexcept
{
    std::lock_guard const lock(mutex_);
    if (first_resumed_ == nullptr)
        return nullptr;
    auto const first = first_resumed_;
    first_resumed_ = first->next_resumed_;
    if (first_resumed_ == nullptr)
        last_resumed_ = nullptr;
    return std::move(first->resumed_);
}

void deadline_queue::arm()
{
    if (!timer_ || added_ == 0)
        return;
    auto until = deadline_entry::clock::time_point::max();
    if (first_resumed_ != nullptr)
        until = deadline_entry::clock::now();
    else if (!by_deadline_.empty())
        until = by_deadline_.begin()->deadline_;
    if (waits_)
    {
        if (until >= waits_until_)
            return;
        timer_->cancel();
        waits_until_ = deadline_entry::clock::time_point::min();
        return;
    }
    struct arming
    {
        explicit arming(bool& flag) : flag_(flag) { flag_ = true; }
        ~arming() { flag_ = false; }
        arming(arming const&) = delete;
        arming& operator=(arming const&) = delete;
        bool& flag_;
    };
    arming const now(arming_);
    timer_->expires_at(until);
    timer_->async_wait(timer_handler(shared_from_this()));
    waits_ = true;
    waits_until_ = until;
}

void deadline_queue::rearm_with_lock() noexcept
{
    try
    {
        arm();
    }
    catch (...) // NOLINT(bugprone-empty-catch): `rearm` and `add` see to it
    {
    }
}

// After the wait.
void deadline_queue::rearm() noexcept
{
    bool armed = true;
    {
        std::lock_guard const lock(mutex_);
        waits_ = false;
        rearm_with_lock();
        armed = waits_ || !timer_ || added_ == 0;
    }
    if (!armed)
        end_all(errc::out_of_memory);
}

void deadline_queue::run_due(bool fired)
{
    // Also when a handler throws.
    struct finally
    {
        ~finally() { of.rearm(); }
        deadline_queue& of;
    };
    finally const after{*this};
    auto const now = deadline_entry::clock::now();
    if (fired)
        while (auto const one = take_due(now))
            one->expire(now);
    while (auto const one = take_resumed())
        one->resume();
}

} // namespace coauth::detail
