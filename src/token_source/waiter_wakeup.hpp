#ifndef COAUTH_SRC_TOKEN_SOURCE_WAITER_WAKEUP_HPP
#define COAUTH_SRC_TOKEN_SOURCE_WAITER_WAKEUP_HPP

#include "token_source/token_source_impl.hpp"

#include <boost/asio/post.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

namespace coauth::detail
{

// For so long at a time operations are completed before the executor may do other work.
inline constexpr std::chrono::microseconds time_slice{250};

inline policy::moment now() noexcept
{
    return {std::chrono::system_clock::now(), std::chrono::steady_clock::now()};
}

inline token_wait_op::owned owned(detail::waiter_base* one) noexcept
{
    return token_wait_op::owned(static_cast<token_wait_op*>(one));
}

inline void destroy_all(policy::waiter_batch& waiting) noexcept
{
    while (auto* const one = waiting.pop())
        (void)owned(one);
}

// Completes those who wait no more, a time_slice at a time. Each of them keeps the core alive.
class token_source_impl::waiter_wakeup
{
public:
    explicit waiter_wakeup(token_source_impl const& core) : executor_(core.executor), core_(core) {}
    waiter_wakeup(waiter_wakeup const&) = delete;
    waiter_wakeup& operator=(waiter_wakeup const&) = delete;
    // With its context: nobody is called any more.
    ~waiter_wakeup() { destroy_all(rest); }

    static void run(std::shared_ptr<waiter_wakeup> const& self)
    {
        // Also when a handler throws.
        struct go_on
        {
            ~go_on() { later(woken); }
            std::shared_ptr<waiter_wakeup> const& woken;
        };
        go_on const guard{self};
        self->complete_until(clock::now() + time_slice);
    }

    static void later(std::shared_ptr<waiter_wakeup> const& self) noexcept
    {
        if (self->rest.empty())
            return;
        try
        {
            boost::asio::post(self->executor_, [self] { run(self); });
        }
        catch (...)
        {
            // Without memory for that, all at once.
            self->complete_all();
        }
    }

    void complete_all() noexcept
    {
        while (!rest.empty())
            try
            {
                complete_until(clock::time_point::max());
            }
            catch (...) // NOLINT(bugprone-empty-catch): it cannot leave this function
            {
            }
    }

    policy::waiter_batch rest;
    result<access_token> outcome = error(errc::cancelled);
    // Of a fetch: the credentials that it sent.
    std::uint64_t credentials = 0;

private:
    void complete_until(clock::time_point end)
    {
        for (unsigned done = 1; auto* const one = rest.pop(); ++done)
        {
            core_.complete(owned(one), outcome);
            if (done % 8 == 0 && clock::now() >= end)
                return;
        }
    }

    boost::asio::any_io_executor executor_;
    token_source_impl const& core_;
};

// The fetch under way, as the handler of its end. Whatever becomes of it, the source is told once:
// or all who wait would wait for ever.
class token_source_impl::fetch_handler
{
public:
    fetch_handler(std::shared_ptr<token_source_impl> core, fetch_reason why) noexcept
        : core_(std::move(core))
        , why_(why)
    {
    }
    fetch_handler(fetch_handler&&) noexcept = default;
    fetch_handler& operator=(fetch_handler&&) = delete;
    // Calls nobody from here but for want of memory: a stack may be being unwound.
    ~fetch_handler()
    {
        if (core_)
            end(error(errc::out_of_memory), &waiter_wakeup::later);
    }

    // Yields where the fetch has to tell which credentials it sent.
    std::shared_ptr<std::uint64_t> prepare()
    {
        done_ = std::make_shared<waiter_wakeup>(*core_);
        return {done_, &done_->credentials};
    }
    void operator()(result<access_token> outcome) { end(std::move(outcome), &waiter_wakeup::run); }

private:
    template <class Wake>
    void end(result<access_token> outcome, Wake wake)
    {
        auto const core = std::move(core_);
        auto const credentials = done_ ? done_->credentials : 0;
        auto ended = core->on_fetch_complete(why_, std::move(outcome), credentials);
        if (!done_)
        {
            waiter_wakeup at_once(*core);
            at_once.rest = std::move(ended.done);
            at_once.outcome = std::move(ended.outcome);
            return at_once.complete_all();
        }
        done_->rest = std::move(ended.done);
        done_->outcome = std::move(ended.outcome);
        wake(done_);
    }

    std::shared_ptr<token_source_impl> core_;
    fetch_reason why_;
    // Made before there is anybody to wake, when there may be no memory.
    std::shared_ptr<waiter_wakeup> done_;
};

} // namespace coauth::detail

#endif
