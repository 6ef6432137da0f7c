#ifndef COAUTH_DETAIL_TOKEN_WAIT_OP_HPP
#define COAUTH_DETAIL_TOKEN_WAIT_OP_HPP

#include <coauth/access_token.hpp>
#include <coauth/detail/waiter_base.hpp>
#include <coauth/export.hpp>
#include <coauth/result.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/require.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace coauth::detail
{

class token_source_impl;
class token_wait_op;

// What a caller wants of a source.
struct get_options
{
    // A new token, however good the present one is.
    bool renew = false;
    std::optional<std::chrono::milliseconds> limit = {};
};

// An operation that waits for a token source's fetch.
class token_wait_op : public detail::waiter_base
{
public:
    struct abandon_deleter
    {
        void operator()(token_wait_op* self) const noexcept { self->end_(self, nullptr); }
    };
    using owned = std::unique_ptr<token_wait_op, abandon_deleter>;

    token_wait_op(token_wait_op const&) = delete;
    token_wait_op& operator=(token_wait_op const&) = delete;

    // On the source's executor: hands the outcome to the handler, on its own.
    static void complete(owned self, result<access_token> outcome)
    {
        auto* const one = self.release();
        one->end_(one, &outcome);
    }

    // Until it is completed.
    std::shared_ptr<token_source_impl> core;
    // Set where an observer wants to know.
    std::chrono::steady_clock::time_point began;

protected:
    // Destroys itself; without an outcome the handler is not called.
    using end = void (*)(token_wait_op* self, result<access_token>* outcome);

    token_wait_op(std::shared_ptr<token_source_impl> of, end how) : core(std::move(of)), end_(how)
    {
    }
    ~token_wait_op() = default;

private:
    end const end_;
};

COAUTH_DECL boost::asio::any_io_executor const& executor_of(token_source_impl const& core) noexcept;
// The outcome, if there is one at once; else `who` waits, and may be gone already.
COAUTH_DECL std::optional<result<access_token>>
start_waiting(token_source_impl& core, get_options const& wish, token_wait_op::owned& who);
COAUTH_DECL void cancel_waiting(token_source_impl& core, token_wait_op& who);
// Not within the caller's own call.
COAUTH_DECL void
post_completion(token_source_impl& core, token_wait_op::owned who, result<access_token> outcome);

// Lives in memory of its handler's allocator: one piece for all.
template <class Handler>
class token_wait_op_impl final : public token_wait_op
{
public:
    static void
    start(std::shared_ptr<token_source_impl> const& of, get_options const& wish, Handler handler)
    {
        auto who = make(of, std::move(handler));
        auto& self = static_cast<token_wait_op_impl&>(*who);
        std::optional<result<access_token>> had;
        try
        {
            self.connect_cancellation_slot();
            had = start_waiting(*of, wish, who);
        }
        catch (...)
        {
            self.clear_slot();
            throw;
        }
        if (!had)
            return;
        self.clear_slot();
        // Without a detour by the source's executor, which may be gone.
        using never = boost::asio::execution::blocking_t::never_t;
        if constexpr (boost::asio::can_require_v<executor, never>)
            if (self.handler_work_)
            {
                auto const where = self.handler_work_->get_executor();
                return boost::asio::post(
                    executor_bound_handler{where, std::move(who), std::move(*had)});
            }
        post_completion(*of, std::move(who), std::move(*had));
    }

private:
    using executor = boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor>;
    using allocator = typename std::allocator_traits<
        boost::asio::associated_allocator_t<Handler>>::template rebind_alloc<token_wait_op_impl>;

    token_wait_op_impl(std::shared_ptr<token_source_impl> of, Handler handler)
        : token_wait_op(std::move(of), &token_wait_op_impl::end_with)
        , handler_(std::move(handler))
    {
        auto const wanted = boost::asio::get_associated_executor(handler_, executor_of(*core));
        if (!is_inner_executor(wanted, executor_of(*core)))
            handler_work_.emplace(wanted);
    }
    ~token_wait_op_impl() = default;

    static owned make(std::shared_ptr<token_source_impl> of, Handler handler)
    {
        allocator from(boost::asio::get_associated_allocator(handler));
        auto* const memory = std::allocator_traits<allocator>::allocate(from, 1);
        try
        {
            return owned(new (memory) token_wait_op_impl(std::move(of), std::move(handler)));
        }
        catch (...)
        {
            std::allocator_traits<allocator>::deallocate(from, memory, 1);
            throw;
        }
    }

    // Lets the handler's slot end the wait.
    void connect_cancellation_slot()
    {
        auto slot = boost::asio::get_associated_cancellation_slot(handler_);
        if (slot.is_connected())
            slot.assign(
                [this](boost::asio::cancellation_type type)
                {
                    if (type != boost::asio::cancellation_type::none)
                        cancel_waiting(*core, *this);
                });
    }
    void clear_slot() noexcept { boost::asio::get_associated_cancellation_slot(handler_).clear(); }

    static bool
    is_inner_executor(executor const& wanted, boost::asio::any_io_executor const& home) noexcept
    {
        if constexpr (std::is_same_v<executor, boost::asio::any_io_executor>)
            return wanted == home;
        else
        {
            auto const* const same = home.template target<executor>();
            return same != nullptr && *same == wanted;
        }
    }

    // Gives back the memory, and the handler that it was for.
    static Handler destroy(token_wait_op_impl* self) noexcept
    {
        Handler handler(std::move(self->handler_));
        allocator from(boost::asio::get_associated_allocator(handler));
        self->~token_wait_op_impl();
        std::allocator_traits<allocator>::deallocate(from, self, 1);
        return handler;
    }

    // On the handler's executor: its slot is cleared there, where alone it may be emitted.
    static void deliver(token_wait_op_impl* self, result<access_token>&& outcome)
    {
        auto const source = std::move(self->core);
        self->clear_slot();
        auto handler = destroy(self);
        std::move(handler)(std::move(outcome));
    }

    // Until then the slot may be emitted: so long this stays.
    struct executor_bound_handler
    {
        using executor_type = executor;
        using allocator_type = boost::asio::associated_allocator_t<Handler>;

        [[nodiscard]] executor_type get_executor() const noexcept { return where; }
        [[nodiscard]] allocator_type get_allocator() const noexcept
        {
            return boost::asio::get_associated_allocator(
                static_cast<token_wait_op_impl*>(who.get())->handler_);
        }
        void operator()()
        {
            deliver(static_cast<token_wait_op_impl*>(who.release()), std::move(outcome));
        }

        executor where;
        owned who;
        result<access_token> outcome;
    };

    static void end_with(token_wait_op* base, result<access_token>* outcome)
    {
        auto* const self = static_cast<token_wait_op_impl*>(base);
        if (outcome == nullptr)
            (void)destroy(self);
        else if (!self->handler_work_)
            deliver(self, std::move(*outcome));
        else
            boost::asio::dispatch(executor_bound_handler{
                self->handler_work_->get_executor(), owned(self), std::move(*outcome)});
    }

    Handler handler_;
    // Where the handler wants to be called, if not on the source's executor: a fetch keeps that at
    // work.
    std::optional<boost::asio::executor_work_guard<executor>> handler_work_;
};

} // namespace coauth::detail

#endif
