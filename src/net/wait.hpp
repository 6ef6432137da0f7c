#ifndef COAUTH_SRC_NET_WAIT_HPP
#define COAUTH_SRC_NET_WAIT_HPP

#include "net/continuation.hpp"
#include "net/phase_timer.hpp"
#include "net/stop_state.hpp"

#include <boost/asio/error.hpp>

#include <coroutine>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace coauth::net
{

// The parts of an operation that its waits need: its stop state, the observer of its phases, and
// how it is resumed.
struct operation_context
{
    stop_state stop;
    phase_timer phases;
    std::weak_ptr<resumable> owner;
    std::coroutine_handle<> waits_at;
};

// A wait, to be awaited in a task. `Begin` receives the handler under the lock of the stop state.
// If it returns a function, that is called next, without a lock.
template <class Begin, class... Results>
class [[nodiscard]] wait_operation
{
public:
    using handler = continuation<Results...>;

    wait_operation(operation_context& op, Begin begin, Results... without_memory)
        : op_(op)
        , begin_(std::move(begin))
        , outcome_(std::move(without_memory)...)
    {
    }

    [[nodiscard]] bool await_ready() const noexcept { return false; }

    bool await_suspend(std::coroutine_handle<> here) noexcept
    {
        op_.waits_at = here;
        // The operation may have ended before this returns.
        auto const owner = op_.owner.lock();
        handler goes_on(owner, outcome_);
        std::optional<after> next;
        if (op_.stop.start([&] { initiate_noexcept(goes_on, next); }))
        {
            if (next)
                (*next)();
            return true;
        }
        goes_on.dismiss();
        if constexpr (std::is_same_v<first, boost::system::error_code>)
            std::get<0>(outcome_) = boost::asio::error::operation_aborted;
        return false;
    }

    std::tuple<Results...> await_resume() { return std::move(outcome_); }

private:
    struct nothing
    {
        void operator()() const noexcept {}
    };
    using begun = std::invoke_result_t<Begin&, handler>;
    using after = std::conditional_t<std::is_void_v<begun>, nothing, begun>;
    using first = std::tuple_element_t<0, std::tuple<Results...>>;

    // Without memory the handler is destroyed, which ends the wait.
    void initiate_noexcept(handler& goes_on, std::optional<after>& next) noexcept
    try
    {
        if constexpr (std::is_void_v<begun>)
            begin_(std::move(goes_on));
        else
            next.emplace(begin_(std::move(goes_on)));
    }
    catch (...) // NOLINT(bugprone-empty-catch)
    {
    }

    operation_context& op_;
    Begin begin_;
    std::tuple<Results...> outcome_;
};

template <class... Results, class Begin>
auto wait_for(operation_context& op, Begin begin, Results... without_memory)
{
    return wait_operation<Begin, Results...>(op, std::move(begin), std::move(without_memory)...);
}

} // namespace coauth::net

#endif
