#ifndef COAUTH_DETAIL_DELIVERY_HPP
#define COAUTH_DETAIL_DELIVERY_HPP

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>

#include <utility>

namespace coauth::detail
{

// A handler, and the work of its executor. Called anywhere, it calls the handler on that executor,
// where alone the cancellation slot may be cleared. It knows the types: behind an
// `any_completion_handler` the executor would cost an allocation each time it is asked for.
template <class Handler>
class delivery
{
public:
    using allocator_type = boost::asio::associated_allocator_t<Handler>;
    using cancellation_slot_type = boost::asio::associated_cancellation_slot_t<Handler>;

    delivery(Handler handler, boost::asio::any_io_executor const& otherwise)
        : work_(boost::asio::get_associated_executor(handler, otherwise))
        , handler_(std::move(handler))
    {
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
        boost::asio::dispatch(
            due<Outcome>{work_.get_executor(), std::move(handler_), std::move(outcome)});
    }

private:
    using work = boost::asio::executor_work_guard<
        boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor>>;

    template <class Outcome>
    struct due
    {
        using executor_type = typename work::executor_type;
        using allocator_type = delivery::allocator_type;

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

    work work_;
    Handler handler_;
};

} // namespace coauth::detail

#endif
