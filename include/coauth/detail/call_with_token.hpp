#ifndef COAUTH_DETAIL_CALL_WITH_TOKEN_HPP
#define COAUTH_DETAIL_CALL_WITH_TOKEN_HPP

#include <coauth/access_token.hpp>
#include <coauth/detail/response_fields.hpp>
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
#include <string_view>
#include <type_traits>
#include <utility>

namespace coauth::detail
{

[[nodiscard]] COAUTH_DECL boost::asio::awaitable<result<access_token>>
get_from_source(std::shared_ptr<token_source_impl> const& source);

COAUTH_DECL bool
invalidate_in_source(token_source_impl& source, access_token const& token) noexcept;

template <class Awaitable>
struct awaitable_value;
template <class T, class Executor>
struct awaitable_value<boost::asio::awaitable<T, Executor>>
{
    using type = T;
};

// The response of the API that `Operation` calls.
template <class Operation>
using response_of = typename awaitable_value<std::invoke_result_t<Operation&, access_token>>::type;

// Tells from the response whether the API rejected the token.
template <class F, class Operation>
concept rejection_predicate = std::predicate<F&, response_of<Operation> const&>;

// The same token, which records for which URL a DPoP proof is made with it. A Bearer token itself.
[[nodiscard]] COAUTH_DECL access_token record_proofs(access_token const& token);

// Stores the nonce in an API's response for the server of the last proof. True if the response
// demands a proof with that nonce.
COAUTH_DECL bool store_api_nonce(
    access_token const& token, unsigned status, std::string_view www_authenticate,
    std::string_view nonce);

inline bool is_cancelled(boost::asio::cancellation_state const& state) noexcept
{
    return state.cancelled() != boost::asio::cancellation_type::none;
}

template <class Response>
bool store_nonce_of(Response const& response, access_token const& token)
{
    return store_api_nonce(
        token, static_cast<unsigned>(response.result_int()),
        field_values(response, "WWW-Authenticate"), field_values(response, "DPoP-Nonce"));
}

// Calls the API, and once more if it demands a proof with its nonce (RFC 9449 section 9).
template <class Operation>
boost::asio::awaitable<response_of<Operation>>
call_with_proof(Operation& operation, access_token token)
{
    auto const recording = record_proofs(token);
    auto response = co_await operation(recording);
    bool const demands_nonce = store_nonce_of(response, recording);
    auto const state = co_await boost::asio::this_coro::cancellation_state;
    if (!demands_nonce || is_cancelled(state))
        co_return std::move(response);
    auto second_response = co_await operation(recording);
    store_nonce_of(second_response, recording);
    co_return std::move(second_response);
}

// A response whose fields cannot be read is what it is.
template <class Operation>
boost::asio::awaitable<response_of<Operation>> call_api(Operation& operation, access_token token)
{
    if constexpr (beast_like_response<response_of<Operation>>)
        if (token.dpop())
            return call_with_proof(operation, std::move(token));
    return operation(std::move(token));
}

template <class Operation, class IsRejected>
boost::asio::awaitable<result<response_of<Operation>>> call_with_token(
    std::shared_ptr<token_source_impl> source, Operation operation, IsRejected is_rejected)
{
    using outcome = result<response_of<Operation>>;
    auto token = co_await get_from_source(source);
    if (!token)
        co_return outcome(token.error());
    // A cancellation that arrived meanwhile: a further await would throw it, or lose it.
    auto const state_with_token = co_await boost::asio::this_coro::cancellation_state;
    if (is_cancelled(state_with_token))
        co_return outcome(error(errc::cancelled));
    auto response = co_await call_api(operation, *token);
    bool const rejected = is_rejected(std::as_const(response));
    if (!rejected)
        co_return outcome(std::move(response));
    invalidate_in_source(*source, *token);
    auto const state_with_response = co_await boost::asio::this_coro::cancellation_state;
    if (is_cancelled(state_with_response))
        co_return outcome(error(errc::cancelled));
    auto new_token = co_await get_from_source(source);
    if (!new_token)
        co_return outcome(new_token.error());
    // The server returned the same token: the API would reject it again.
    if (*new_token == *token)
        co_return outcome(std::move(response));
    auto const state_with_new_token = co_await boost::asio::this_coro::cancellation_state;
    if (is_cancelled(state_with_new_token))
        co_return outcome(error(errc::cancelled));
    auto second_response = co_await call_api(operation, *new_token);
    co_return outcome(std::move(second_response));
}

class source_access
{
public:
    static std::shared_ptr<token_source_impl> const& impl(token_source const& tokens) noexcept
    {
        return tokens.impl_;
    }
};

template <class Operation>
using call_with_token_completion_signature =
    void(std::exception_ptr, result<response_of<Operation>>);

// Forwards a cancellation from the caller's slot to the coroutine. The slot of `co_spawn` cannot be
// used before Asio 1.28.2: a signal emitted on another executor may arrive after the coroutine's
// end, and one that arrives before its first step is lost, or thrown out of `run()`.
struct cancellation_relay
{
    void emit(boost::asio::cancellation_type type)
    {
        requested = true;
        if (started)
            signal.emit(type);
    }

    boost::asio::cancellation_signal signal;
    bool started = false;
    bool requested = false;
};

// The coroutine for a completion token. Like a wait, it accepts total cancellation.
template <class Operation, class IsRejected>
boost::asio::awaitable<result<response_of<Operation>>> spawned_call_with_token(
    std::shared_ptr<token_source_impl> source, Operation operation, IsRejected is_rejected,
    std::shared_ptr<cancellation_relay> relay)
{
    co_await boost::asio::this_coro::reset_cancellation_state(
        boost::asio::enable_total_cancellation());
    relay->started = true;
    if (relay->requested)
        co_return result<response_of<Operation>>(error(errc::cancelled));
    // A separate statement: GCC 12 destroys a lambda in an awaited expression twice.
    auto call = call_with_token(std::move(source), std::move(operation), std::move(is_rejected));
    auto outcome = co_await std::move(call);
    co_return std::move(outcome);
}

template <class Handler>
using handler_executor_t =
    boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor>;

// An `inline_executor` is none.
template <class Handler>
inline constexpr bool has_io_executor =
    std::is_constructible_v<boost::asio::any_io_executor, handler_executor_t<Handler>>;

// Where the call runs: on the handler's executor, if that can run a coroutine.
template <class Handler>
boost::asio::any_io_executor
call_executor(Handler const& handler, boost::asio::any_io_executor const& fallback)
{
    if constexpr (has_io_executor<Handler>)
        return boost::asio::any_io_executor(
            boost::asio::get_associated_executor(handler, fallback));
    else
        return fallback;
}

// The completion handler of that coroutine. It runs where the call runs.
template <class Handler>
struct call_with_token_completion
{
    // Has no associated executor: a cancellation is then forwarded where it is emitted.
    using allocator_type = boost::asio::associated_allocator_t<Handler>;
    using cancellation_slot_type = boost::asio::cancellation_slot;

    [[nodiscard]] allocator_type get_allocator() const noexcept
    {
        return boost::asio::get_associated_allocator(handler);
    }
    [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept
    {
        return relay->signal.slot();
    }
    template <class Outcome>
    void operator()(std::exception_ptr exception, Outcome outcome)
    {
        boost::asio::get_associated_cancellation_slot(handler).clear();
        if constexpr (has_io_executor<Handler>)
            std::move(handler)(std::move(exception), std::move(outcome));
        else
            boost::asio::dispatch(
                boost::asio::get_associated_executor(handler),
                [end = std::move(handler), thrown = std::move(exception),
                 got = std::move(outcome)]() mutable
                { std::move(end)(std::move(thrown), std::move(got)); });
    }

    Handler handler;
    std::shared_ptr<cancellation_relay> relay;
};

// Runs the call on the handler's executor, where the handler's slot is emitted.
class initiate_call_with_token
{
public:
    initiate_call_with_token(
        std::shared_ptr<token_source_impl> source, boost::asio::any_io_executor executor)
        : source_(std::move(source))
        , executor_(std::move(executor))
    {
    }

    using executor_type = boost::asio::any_io_executor;
    [[nodiscard]] executor_type get_executor() const noexcept { return executor_; }

    template <class Handler, class Operation, class IsRejected>
    void operator()(Handler&& handler, Operation operation, IsRejected is_rejected) const
    {
        auto const target = call_executor(handler, executor_);
        auto const relay = std::make_shared<cancellation_relay>();
        auto slot = boost::asio::get_associated_cancellation_slot(handler);
        if (slot.is_connected())
            slot.assign(
                [target, weak = std::weak_ptr(relay)](boost::asio::cancellation_type type)
                {
                    auto const emit = [weak, type]
                    {
                        if (auto const present = weak.lock())
                            present->emit(type);
                    };
                    // After the call's end the executor may not exist any more.
                    if (type != boost::asio::cancellation_type::none && !weak.expired())
                        boost::asio::dispatch(target, emit);
                });
        boost::asio::co_spawn(
            target,
            spawned_call_with_token(source_, std::move(operation), std::move(is_rejected), relay),
            call_with_token_completion<std::decay_t<Handler>>{
                std::forward<Handler>(handler), relay});
    }

private:
    std::shared_ptr<token_source_impl> source_;
    boost::asio::any_io_executor executor_;
};

} // namespace coauth::detail

#endif
