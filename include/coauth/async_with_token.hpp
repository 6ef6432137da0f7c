#ifndef COAUTH_ASYNC_WITH_TOKEN_HPP
#define COAUTH_ASYNC_WITH_TOKEN_HPP

#include <coauth/access_token.hpp>
#include <coauth/export.hpp>
#include <coauth/result.hpp>
#include <coauth/token_refused.hpp>
#include <coauth/token_source.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
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

namespace coauth
{

namespace detail
{

[[nodiscard]] COAUTH_DECL boost::asio::awaitable<result<access_token>>
get_from_source(std::shared_ptr<token_source_core> const& core);

COAUTH_DECL bool invalidate_in_source(token_source_core& core, access_token const& token) noexcept;

template <class Answer>
struct awaited;
template <class Answer, class Executor>
struct awaited<boost::asio::awaitable<Answer, Executor>>
{
    using type = Answer;
};
template <class Operation>
using answer_of = typename awaited<std::invoke_result_t<Operation&, access_token>>::type;

template <class F, class Operation>
concept tells_refusal_of = std::predicate<F&, answer_of<Operation> const&>;

inline bool is_cancelled(boost::asio::cancellation_state const& state) noexcept
{
    return state.cancelled() != boost::asio::cancellation_type::none;
}

template <class Operation, class Refused>
boost::asio::awaitable<result<answer_of<Operation>>>
with_token(std::shared_ptr<token_source_core> core, Operation operation, Refused refused)
{
    using outcome = result<answer_of<Operation>>;
    auto token = co_await get_from_source(core);
    if (!token)
        co_return outcome(token.error());
    // A cancellation that came meanwhile, here and below: to await more would throw it, or lose it.
    auto const with_first = co_await boost::asio::this_coro::cancellation_state;
    if (is_cancelled(with_first))
        co_return outcome(error(errc::cancelled));
    auto answer = co_await operation(*token);
    bool const good = !refused(std::as_const(answer));
    if (good)
        co_return outcome(std::move(answer));
    invalidate_in_source(*core, *token);
    auto const with_answer = co_await boost::asio::this_coro::cancellation_state;
    if (is_cancelled(with_answer))
        co_return outcome(error(errc::cancelled));
    auto other = co_await get_from_source(core);
    if (!other)
        co_return outcome(other.error());
    // The server gives no other: the API would say the same again.
    if (*other == *token)
        co_return outcome(std::move(answer));
    auto const with_other = co_await boost::asio::this_coro::cancellation_state;
    if (is_cancelled(with_other))
        co_return outcome(error(errc::cancelled));
    auto second = co_await operation(*other);
    co_return outcome(std::move(second));
}

class source_access
{
public:
    static std::shared_ptr<token_source_core> const& core(token_source const& tokens) noexcept
    {
        return tokens.core_;
    }
};

template <class Operation>
using with_token_signature = void(std::exception_ptr, result<answer_of<Operation>>);

// How the caller's slot reaches the coroutine. Not by the slot of its `co_spawn`: until Asio 1.28.2
// what is emitted on another executor may come after the end, and what comes before the coroutine's
// first step is lost, or thrown out of `run()`.
struct with_token_stop
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
boost::asio::awaitable<result<answer_of<Operation>>> spawned_with_token(
    std::shared_ptr<token_source_core> core, Operation operation, Refused refused,
    std::shared_ptr<with_token_stop> stop)
{
    co_await boost::asio::this_coro::reset_cancellation_state(
        boost::asio::enable_total_cancellation());
    stop->begun = true;
    if (stop->came)
        co_return result<answer_of<Operation>>(error(errc::cancelled));
    // Apart: GCC 12 destroys a lambda in an awaited expression twice.
    auto call = with_token(std::move(core), std::move(operation), std::move(refused));
    auto answered = co_await std::move(call);
    co_return std::move(answered);
}

// The end of that coroutine, on the executor where the handler is to be called.
template <class Handler>
struct with_token_end
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
    std::shared_ptr<with_token_stop> stop;
};

// Runs on the executor where the handler is to be called, and its slot emitted.
class initiate_with_token
{
public:
    initiate_with_token(
        std::shared_ptr<token_source_core> core, boost::asio::any_io_executor executor)
        : core_(std::move(core))
        , executor_(std::move(executor))
    {
    }

    template <class Handler, class Operation, class Refused>
    void operator()(Handler&& handler, Operation operation, Refused refused) const
    {
        boost::asio::any_io_executor const where(
            boost::asio::get_associated_executor(handler, executor_));
        auto const stop = std::make_shared<with_token_stop>();
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
            with_token_end<std::decay_t<Handler>>{std::forward<Handler>(handler), stop});
    }

private:
    std::shared_ptr<token_source_core> core_;
    boost::asio::any_io_executor executor_;
};

} // namespace detail

/// Runs a call of an API with a token, and once more with a new one when the API refuses the first.
///
/// \code
/// coauth::token_source tokens(client, coauth::token_request().scope("read"));
///
/// auto const call = [](coauth::access_token token) { return get("/messages", token); };
/// auto answer = co_await coauth::async_with_token(tokens, call);
/// if (!answer)
///     log(answer.error().message()); // no token can be had
/// \endcode
///
/// When the answer refuses the token, that token is invalidated; of any number of calls that are
/// refused the same token, one fetches another, and the others wait for it. A refusal of the second
/// token is the result like any other answer, and so is that of the first where the server hands
/// out the same token again.
///
/// \param tokens Where the token comes from. It need not outlive the call; when it is destroyed or
///     closed, waiting for a token ends with `errc::cancelled`.
/// \param operation Called with an `access_token`, once or twice; returns an `awaitable` of the
///     answer. Copied or moved, and kept until the end.
/// \param refused Called with the answer; says whether it refuses the token. The default wants an
///     answer like a response of Boost.Beast.
/// \par Cancellation Terminal, partial and total while a token is awaited: `errc::cancelled`. While
///     the API is called it is the call's own affair; where that gives an answer all the same, the
///     answer is the result, or `errc::cancelled` if it refuses the token.
/// \return An awaitable, to be awaited once, of `result<Answer>`: the answer, or why there is no
///     token. What `operation` throws comes out of it.
/// \par GCC 12 A lambda with captures must not be written within the awaited expression; name it
///     first, as above.
template <class Operation, detail::tells_refusal_of<Operation> Refused = answer_refuses_token>
[[nodiscard]] boost::asio::awaitable<result<detail::answer_of<Operation>>>
async_with_token(token_source& tokens, Operation operation, Refused refused = Refused())
{
    return detail::with_token(
        detail::source_access::core(tokens), std::move(operation), std::move(refused));
}

/// The same for any completion token.
///
/// \par Completion signature `void(std::exception_ptr, coauth::result<Answer>)`: null and the
///     result; or what `operation` threw, such as Asio's `operation_aborted` when it was cancelled,
///     and a result that means nothing. `Answer` must be default-constructible.
/// \par Completion Exactly once, never within this call, on the handler's associated executor
///     (else the client's), where `operation` is called too. Its cancellation slot is honoured as
///     above.
template <
    class Operation, detail::tells_refusal_of<Operation> Refused,
    boost::asio::completion_token_for<detail::with_token_signature<Operation>> CompletionToken>
auto async_with_token(
    token_source& tokens, Operation operation, Refused refused, CompletionToken&& token)
{
    return boost::asio::async_initiate<CompletionToken, detail::with_token_signature<Operation>>(
        detail::initiate_with_token(detail::source_access::core(tokens), tokens.get_executor()),
        token, std::move(operation), std::move(refused));
}
template <
    class Operation,
    boost::asio::completion_token_for<detail::with_token_signature<Operation>> CompletionToken>
    requires(!detail::tells_refusal_of<CompletionToken, Operation>)
auto async_with_token(token_source& tokens, Operation operation, CompletionToken&& token)
{
    return async_with_token(
        tokens, std::move(operation), answer_refuses_token(), std::forward<CompletionToken>(token));
}

} // namespace coauth

#endif
