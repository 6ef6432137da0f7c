#ifndef COAUTH_DETAIL_EXECUTOR_BOUND_HANDLER_HPP
#define COAUTH_DETAIL_EXECUTOR_BOUND_HANDLER_HPP

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>

#include <optional>
#include <type_traits>
#include <utility>

namespace coauth::detail
{

// A handler with outstanding work of its executor, unless that is `inner`. Called on `inner`, it
// clears the handler's cancellation slot and calls the handler on the handler's executor. It keeps
// the types: an `any_completion_handler` allocates memory whenever its executor is queried.
template <class Handler>
class executor_bound_handler
{
public:
    using allocator_type = boost::asio::associated_allocator_t<Handler>;
    using cancellation_slot_type = boost::asio::associated_cancellation_slot_t<Handler>;

    executor_bound_handler(Handler handler, boost::asio::any_io_executor const& inner)
        : executor_(boost::asio::get_associated_executor(handler, inner))
        , handler_(std::move(handler))
    {
        if (!is_inner_executor(inner))
            work_.emplace(executor_);
    }

    [[nodiscard]] allocator_type get_allocator() const noexcept
    {
        return boost::asio::get_associated_allocator(handler_);
    }
    [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept
    {
        return boost::asio::get_associated_cancellation_slot(handler_);
    }

    template <class Outcome>
    void operator()(Outcome outcome)
    {
        bound_completion<Outcome> completion{executor_, std::move(handler_), std::move(outcome)};
        if (work_)
            boost::asio::dispatch(std::move(completion));
        else
            completion();
    }

private:
    using executor_type = boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor>;

    template <class Outcome>
    struct bound_completion
    {
        using executor_type = executor_bound_handler::executor_type;
        using allocator_type = executor_bound_handler::allocator_type;

        executor_type executor;
        Handler handler;
        Outcome outcome;

        [[nodiscard]] executor_type get_executor() const noexcept { return executor; }
        [[nodiscard]] allocator_type get_allocator() const noexcept
        {
            return boost::asio::get_associated_allocator(handler);
        }
        void operator()()
        {
            boost::asio::get_associated_cancellation_slot(handler).clear();
            std::move(handler)(std::move(outcome));
        }
    };

    // Most handlers have no executor of their own. Then nothing is dispatched, which could fail
    // for lack of memory.
    [[nodiscard]] bool is_inner_executor(boost::asio::any_io_executor const& inner) const
    {
        if constexpr (std::is_same_v<executor_type, boost::asio::any_io_executor>)
            return executor_ == inner;
        else
            return false;
    }

    executor_type executor_;
    Handler handler_;
    std::optional<boost::asio::executor_work_guard<executor_type>> work_;
};

} // namespace coauth::detail

#endif
