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

// The options of one call of a token source.
struct get_options
{
    // Fetch a new token even if the current one is usable.
    bool new_token = false;
    // The time limit of the wait.
    std::optional<std::chrono::milliseconds> limit = {};
};

// An operation that waits for a token source's fetch.
class token_wait_op : public waiter_base
{
public:
    // Destroys the operation without a call of its handler.
    struct abandon_deleter
    {
        void operator()(token_wait_op* self) const noexcept { self->complete_(self, nullptr); }
    };
    using ptr = std::unique_ptr<token_wait_op, abandon_deleter>;

    token_wait_op(token_wait_op const&) = delete;
    token_wait_op& operator=(token_wait_op const&) = delete;

    // Calls the handler on its executor. Called on the source's executor.
    static void complete(ptr operation, result<access_token> outcome)
    {
        auto* const self = operation.release();
        self->complete_(self, &outcome);
    }

    // Until the operation is completed.
    std::shared_ptr<token_source_impl> source;
    // Set only if there is an observer or a time limit.
    std::chrono::steady_clock::time_point started;

protected:
    // Destroys the operation. Without an outcome the handler is not called.
    using completion_fn = void (*)(token_wait_op* self, result<access_token>* outcome);

    token_wait_op(std::shared_ptr<token_source_impl> from, completion_fn function)
        : source(std::move(from))
        , complete_(function)
    {
    }
    ~token_wait_op() = default;

private:
    completion_fn const complete_;
};

COAUTH_DECL boost::asio::any_io_executor const&
executor_of(token_source_impl const& source) noexcept;
// The outcome, if it is known at once. Otherwise `operation` is released to wait, and may already
// be destroyed.
COAUTH_DECL std::optional<result<access_token>>
start_waiting(token_source_impl& source, get_options const& options, token_wait_op::ptr& operation);
COAUTH_DECL void cancel_waiting(token_source_impl& source, token_wait_op& operation);
// Completes the operation, but not inside this call.
COAUTH_DECL void post_completion(
    token_source_impl& source, token_wait_op::ptr operation, result<access_token> outcome);

// The operation with its handler, in one block of memory from the handler's allocator.
template <class Handler>
class token_wait_op_impl final : public token_wait_op
{
public:
    static void start(
        std::shared_ptr<token_source_impl> const& from, get_options const& options, Handler handler)
    {
        auto operation = make(from, std::move(handler));
        auto& self = static_cast<token_wait_op_impl&>(*operation);
        std::optional<result<access_token>> outcome;
        try
        {
            self.connect_cancellation_slot();
            outcome = start_waiting(*from, options, operation);
        }
        catch (...)
        {
            self.clear_slot();
            throw;
        }
        if (!outcome)
            return;
        self.clear_slot();
        // Posted to the handler's executor directly: the source's executor may not run any more.
        using never_blocking = boost::asio::execution::blocking_t::never_t;
        if constexpr (boost::asio::can_require_v<executor, never_blocking>)
            if (self.handler_work_)
            {
                auto const target = self.handler_work_->get_executor();
                return boost::asio::post(
                    dispatch_handler{target, std::move(operation), std::move(*outcome)});
            }
        post_completion(*from, std::move(operation), std::move(*outcome));
    }

private:
    using executor = boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor>;
    using allocator = typename std::allocator_traits<
        boost::asio::associated_allocator_t<Handler>>::template rebind_alloc<token_wait_op_impl>;

    token_wait_op_impl(std::shared_ptr<token_source_impl> from, Handler handler)
        : token_wait_op(std::move(from), &token_wait_op_impl::complete_or_abandon)
        , handler_(std::move(handler))
    {
        auto const target = boost::asio::get_associated_executor(handler_, executor_of(*source));
        if (!is_inner_executor(target, executor_of(*source)))
            handler_work_.emplace(target);
    }
    ~token_wait_op_impl() = default;

    static ptr make(std::shared_ptr<token_source_impl> from, Handler handler)
    {
        allocator memory(boost::asio::get_associated_allocator(handler));
        auto* const block = std::allocator_traits<allocator>::allocate(memory, 1);
        try
        {
            return ptr(new (block) token_wait_op_impl(std::move(from), std::move(handler)));
        }
        catch (...)
        {
            std::allocator_traits<allocator>::deallocate(memory, block, 1);
            throw;
        }
    }

    void connect_cancellation_slot()
    {
        auto slot = boost::asio::get_associated_cancellation_slot(handler_);
        if (slot.is_connected())
            slot.assign(
                [this](boost::asio::cancellation_type type)
                {
                    if (type != boost::asio::cancellation_type::none)
                        cancel_waiting(*source, *this);
                });
    }
    void clear_slot() noexcept { boost::asio::get_associated_cancellation_slot(handler_).clear(); }

    static bool
    is_inner_executor(executor const& target, boost::asio::any_io_executor const& inner) noexcept
    {
        if constexpr (std::is_same_v<executor, boost::asio::any_io_executor>)
            return target == inner;
        else
        {
            auto const* const typed = inner.template target<executor>();
            return typed != nullptr && *typed == target;
        }
    }

    // Destroys the operation and returns its handler. The memory is free when the handler is
    // called.
    static Handler destroy(token_wait_op_impl* self) noexcept
    {
        Handler handler(std::move(self->handler_));
        allocator memory(boost::asio::get_associated_allocator(handler));
        self->~token_wait_op_impl();
        std::allocator_traits<allocator>::deallocate(memory, self, 1);
        return handler;
    }

    // On the handler's executor, where its cancellation slot may be used.
    static void invoke(token_wait_op_impl* self, result<access_token>&& outcome)
    {
        auto const keep_alive = std::move(self->source);
        self->clear_slot();
        auto handler = destroy(self);
        std::move(handler)(std::move(outcome));
    }

    // Owns the operation on the way to the handler's executor: the slot may be emitted until then.
    struct dispatch_handler
    {
        using executor_type = executor;
        using allocator_type = boost::asio::associated_allocator_t<Handler>;

        [[nodiscard]] executor_type get_executor() const noexcept { return target; }
        [[nodiscard]] allocator_type get_allocator() const noexcept
        {
            return boost::asio::get_associated_allocator(
                static_cast<token_wait_op_impl*>(operation.get())->handler_);
        }
        void operator()()
        {
            invoke(static_cast<token_wait_op_impl*>(operation.release()), std::move(outcome));
        }

        executor target;
        ptr operation;
        result<access_token> outcome;
    };

    static void complete_or_abandon(token_wait_op* base, result<access_token>* outcome)
    {
        auto* const self = static_cast<token_wait_op_impl*>(base);
        if (outcome == nullptr)
            (void)destroy(self);
        else if (!self->handler_work_)
            invoke(self, std::move(*outcome));
        else
            boost::asio::dispatch(dispatch_handler{
                self->handler_work_->get_executor(), ptr(self), std::move(*outcome)});
    }

    Handler handler_;
    // Outstanding work of the handler's executor. None if that is the source's executor, for which
    // the fetch is outstanding work.
    std::optional<boost::asio::executor_work_guard<executor>> handler_work_;
};

} // namespace coauth::detail

#endif
