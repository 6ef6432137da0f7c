#ifndef COAUTH_DETAIL_CALL_WITH_TOKEN_HPP
#define COAUTH_DETAIL_CALL_WITH_TOKEN_HPP

#include <coauth/access_token.hpp>
#include <coauth/export.hpp>
#include <coauth/result.hpp>
#include <coauth/token_source.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/this_coro.hpp>

#include <concepts>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

namespace coauth::detail
{

[[nodiscard]] COAUTH_DECL boost::asio::awaitable<result<access_token>>
get_from_source(std::shared_ptr<token_source_impl> const& core);

COAUTH_DECL bool invalidate_in_source(token_source_impl& core, access_token const& token) noexcept;

template <class Response>
struct awaited;
template <class Response, class Executor>
struct awaited<boost::asio::awaitable<Response, Executor>>
{
    using type = Response;
};
template <class Operation>
using response_of = typename awaited<std::invoke_result_t<Operation&, access_token>>::type;

template <class F, class Operation>
concept rejection_predicate = std::predicate<F&, response_of<Operation> const&>;

inline bool is_cancelled(boost::asio::cancellation_state const& state) noexcept
{
    return state.cancelled() != boost::asio::cancellation_type::none;
}

template <class Operation, class Refused>
boost::asio::awaitable<result<response_of<Operation>>>
call_with_token(std::shared_ptr<token_source_impl> core, Operation operation, Refused refused)
{
    using outcome = result<response_of<Operation>>;
    auto token = co_await get_from_source(core);
    if (!token)
        co_return outcome(token.error());
    // A cancellation that came meanwhile, here and below: to await more would throw it, or lose it.
    auto const with_first = co_await boost::asio::this_coro::cancellation_state;
    if (is_cancelled(with_first))
        co_return outcome(error(errc::cancelled));
    auto response = co_await operation(*token);
    bool const good = !refused(std::as_const(response));
    if (good)
        co_return outcome(std::move(response));
    invalidate_in_source(*core, *token);
    auto const with_response = co_await boost::asio::this_coro::cancellation_state;
    if (is_cancelled(with_response))
        co_return outcome(error(errc::cancelled));
    auto other = co_await get_from_source(core);
    if (!other)
        co_return outcome(other.error());
    // The server gives no other: the API would say the same again.
    if (*other == *token)
        co_return outcome(std::move(response));
    auto const with_other = co_await boost::asio::this_coro::cancellation_state;
    if (is_cancelled(with_other))
        co_return outcome(error(errc::cancelled));
    auto second = co_await operation(*other);
    co_return outcome(std::move(second));
}

class source_access
{
public:
    static std::shared_ptr<token_source_impl> const& core(token_source const& tokens) noexcept
    {
        return tokens.core_;
    }
};

template <class Operation>
using call_with_token_completion_signature =
    void(std::exception_ptr, result<response_of<Operation>>);

// How the caller's slot reaches the coroutine. Not by the slot of its `co_spawn`: until Asio 1.28.2
// what is emitted on another executor may come after the end, and what comes before the coroutine's
// first step is lost, or thrown out of `run()`.
struct cancellation_relay
{
    void stop(boost::asio::cancellation_type type)
    {
        came = true;
        if (begun)
            signal.emit(type);
    }

    boost::asio::cancellation_signal signal;
    bool begun = false;
    bool came = false;
};

// As the coroutine of a completion token of its own: it may be cancelled as a wait may.
template <class Operation, class Refused>
boost::asio::awaitable<result<response_of<Operation>>> spawned_with_token(
    std::shared_ptr<token_source_impl> core, Operation operation, Refused refused,
    std::shared_ptr<cancellation_relay> stop)
{
    co_await boost::asio::this_coro::reset_cancellation_state(
        boost::asio::enable_total_cancellation());
    stop->begun = true;
    if (stop->came)
        co_return result<response_of<Operation>>(error(errc::cancelled));
    // Apart: GCC 12 destroys a lambda in an awaited expression twice.
    auto call = call_with_token(std::move(core), std::move(operation), std::move(refused));
    auto responded = co_await std::move(call);
    co_return std::move(responded);
}

// The end of that coroutine, on the executor where the handler is to be called.
template <class Handler>
struct call_with_token_completion
{
    // No executor: then a cancellation is handed on where it is emitted.
    using allocator_type = boost::asio::associated_allocator_t<Handler>;
    using cancellation_slot_type = boost::asio::cancellation_slot;

    [[nodiscard]] allocator_type get_allocator() const noexcept
    {
        return boost::asio::get_associated_allocator(handler);
    }
    [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept
    {
        return stop->signal.slot();
    }
    template <class Outcome>
    void operator()(std::exception_ptr thrown, Outcome outcome)
    {
        boost::asio::get_associated_cancellation_slot(handler).clear();
        std::move(handler)(std::move(thrown), std::move(outcome));
    }

    Handler handler;
    std::shared_ptr<cancellation_relay> stop;
};

// Runs on the executor where the handler is to be called, and its slot emitted.
class initiate_with_token
{
public:
    initiate_with_token(
        std::shared_ptr<token_source_impl> core, boost::asio::any_io_executor executor)
        : core_(std::move(core))
        , executor_(std::move(executor))
    {
    }

    template <class Handler, class Operation, class Refused>
    void operator()(Handler&& handler, Operation operation, Refused refused) const
    {
        boost::asio::any_io_executor const where(
            boost::asio::get_associated_executor(handler, executor_));
        auto const stop = std::make_shared<cancellation_relay>();
        auto slot = boost::asio::get_associated_cancellation_slot(handler);
        if (slot.is_connected())
            slot.assign(
                [where, weak = std::weak_ptr(stop)](boost::asio::cancellation_type type)
                {
                    auto const emit = [weak, type]
                    {
                        if (auto const present = weak.lock())
                            present->stop(type);
                    };
                    // Where it has ended, the executor may be gone.
                    if (type != boost::asio::cancellation_type::none && !weak.expired())
                        boost::asio::dispatch(where, emit);
                });
        boost::asio::co_spawn(
            where, spawned_with_token(core_, std::move(operation), std::move(refused), stop),
            call_with_token_completion<std::decay_t<Handler>>{
                std::forward<Handler>(handler), stop});
    }

private:
    std::shared_ptr<token_source_impl> core_;
    boost::asio::any_io_executor executor_;
};

} // namespace coauth::detail

#endif
