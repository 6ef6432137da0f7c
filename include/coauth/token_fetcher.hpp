#ifndef COAUTH_TOKEN_FETCHER_HPP
#define COAUTH_TOKEN_FETCHER_HPP

#include <coauth/access_token.hpp>
#include <coauth/client.hpp>
#include <coauth/client_config.hpp>
#include <coauth/detail/executor_bound_handler.hpp>
#include <coauth/export.hpp>
#include <coauth/observer.hpp>
#include <coauth/result.hpp>
#include <coauth/token_request.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/execution_context.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace coauth
{

namespace detail
{

class fetch_attempt;
class fetcher;
class function_fetch;

} // namespace detail

/// What a `token_fetcher` is to get: one token.
struct token_fetch
{
    /// A first token for an empty request, without a deadline.
    token_fetch() {} // NOLINT(modernize-use-equals-default): GCC 12 miscompiles aggregates

    /// The request of the token source. After a server has replaced the refresh token of the
    /// request, it has the new one.
    token_request request;
    /// Why the source wants a token.
    fetch_reason reason = fetch_reason::empty;
    /// The token that the new one replaces; it may still be usable. Empty: there is none.
    access_token current;
    /// The token that an API rejected (`token_source::invalidate`), if there was no other since:
    /// the new one must be another. Empty: there is none.
    access_token rejected;
    /// A token that ends within this time, or within a tenth of its lifetime if that is less, is of
    /// no use (`token_source_options::expiry_margin`). For a function that keeps tokens.
    std::chrono::milliseconds expiry_margin{30'000};
    /// Nor is one that was requested longer ago (`token_source_options::max_age`). None: no limit.
    std::optional<std::chrono::seconds> max_age = {};
    /// When the caller stops waiting. A fetch that takes longer has failed.
    std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
    /// The number of the fetch: `event_context::operation` of its events. 0: there is none.
    std::uint64_t operation = 0;
};

/// Completes one fetch. The function of a `token_fetcher` gets it, and calls it with the token or
/// an error. It is a completion handler: Asio's operations accept it as their completion token.
///
/// Copies complete the same fetch. The first call counts; later ones have no effect, and neither
/// has a call after the fetch was cancelled or its deadline has passed. If all copies are destroyed
/// without a call, the fetch fails with `errc::internal_error`.
///
/// \par Thread safety
/// May be called from any thread, also inside the function. It returns at once: what follows runs
/// on the fetcher's executor.
class COAUTH_DECL token_fetch_handler
{
public:
    /// The type of its executor.
    using executor_type = boost::asio::any_io_executor;
    /// The type of its cancellation slot.
    using cancellation_slot_type = boost::asio::cancellation_slot;

    /// Completes the fetch. An empty token is an error, and so is a token that no Authorization
    /// field can carry.
    void operator()(result<access_token> outcome) const noexcept;

    /// A strand of the fetcher's executor. The function is called there.
    [[nodiscard]] executor_type get_executor() const noexcept;
    /// Terminal cancellation is emitted here, on `get_executor()`, when the fetch is cancelled or
    /// its deadline passes. Connect it to an operation that runs on that executor. Valid as long as
    /// a copy of the handler exists.
    [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept;

private:
    friend class detail::function_fetch;
    explicit token_fetch_handler(std::shared_ptr<detail::fetch_attempt> attempt) noexcept;

    std::shared_ptr<detail::fetch_attempt> attempt_;
};

/// Options of a `token_fetcher` that is made from a function. A plain aggregate. The values and the
/// limits are those of `client_config`.
struct token_fetcher_options
{
    /// Time limit of a fetch, retries included. From 1 ms to 1 hour.
    std::chrono::milliseconds timeout{10'000};
    /// Retries after transient errors (`error::transient()`). An error of a client is not retried
    /// again, because the client has done so.
    retry_options retry = {};
    /// Receives the events of the token sources. Empty: no events are sent.
    std::shared_ptr<coauth::observer> observer = {};
    /// The name in those events, in place of `client_config::name`.
    std::string name = {};
};

namespace detail
{

using fetch_function = std::function<void(token_fetch, token_fetch_handler)>;
using fetch_coroutine = std::function<boost::asio::awaitable<result<access_token>>(token_fetch)>;

template <class F>
concept coroutine_for_fetch =
    std::is_invocable_r_v<boost::asio::awaitable<result<access_token>>, F&, token_fetch>;
template <class F>
concept function_for_fetch =
    coroutine_for_fetch<F> || std::invocable<F&, token_fetch, token_fetch_handler>;

COAUTH_DECL std::shared_ptr<fetcher> make_fetcher(
    boost::asio::any_io_executor executor, fetch_function function, token_fetcher_options options);
COAUTH_DECL std::shared_ptr<fetcher> make_fetcher(
    boost::asio::any_io_executor executor, fetch_coroutine function, token_fetcher_options options);
COAUTH_DECL boost::asio::any_io_executor const& executor_of(fetcher const& from) noexcept;
COAUTH_DECL void start_fetch(
    fetcher& from, token_fetch what,
    boost::asio::any_completion_handler<access_token_completion_signature> handler);

// The function need not be copyable.
template <function_for_fetch F>
std::shared_ptr<fetcher>
make_fetcher_of(boost::asio::any_io_executor executor, F function, token_fetcher_options options)
{
    auto shared = std::make_shared<F>(std::move(function));
    if constexpr (coroutine_for_fetch<F>)
        return make_fetcher(
            std::move(executor),
            fetch_coroutine([shared = std::move(shared)](token_fetch what)
                            { return (*shared)(std::move(what)); }),
            std::move(options));
    else
        return make_fetcher(
            std::move(executor),
            fetch_function(
                [shared = std::move(shared)](token_fetch what, token_fetch_handler handler)
                { (*shared)(std::move(what), std::move(handler)); }),
            std::move(options));
}

class initiate_fetch
{
public:
    explicit initiate_fetch(std::shared_ptr<fetcher> from) : fetcher_(std::move(from)) {}

    using executor_type = boost::asio::any_io_executor;
    [[nodiscard]] executor_type get_executor() const noexcept { return executor_of(*fetcher_); }

    template <class Handler>
    void operator()(Handler&& handler, token_fetch what) const
    {
        start_fetch(
            *fetcher_, std::move(what),
            executor_bound_handler<std::decay_t<Handler>>(
                std::forward<Handler>(handler), executor_of(*fetcher_)));
    }

private:
    std::shared_ptr<fetcher> fetcher_;
};

} // namespace detail

/// Where a `token_source` gets its tokens from: a client, or any function that can get one, such as
/// a metadata server, a vault, or a fake in a test.
///
/// \code
/// coauth::token_fetcher vault(
///     executor, [](coauth::token_fetch what) ->
///     asio::awaitable<coauth::result<coauth::access_token>>
///     {
///         coauth::access_token_info info;
///         info.value = co_await read_from_vault(what.request.scope()); // your own function
///         info.lifetime = std::chrono::minutes(10);
///         co_return coauth::access_token(std::move(info));
///     });
/// coauth::token_source tokens(vault, coauth::token_request().scope("read"));
/// \endcode
///
/// The function gets a token and does nothing else. Deadline, retries, refresh, back-off, events
/// and a single fetch for all waiting callers are the business of the fetcher and the source.
///
/// It is called on a strand of the executor, from a thread that runs it and under no lock: once for
/// each attempt, and at the same time for different sources. An exception from it is
/// `errc::internal_error`. When the fetch is cancelled or its deadline passes, the coroutine gets
/// terminal cancellation; the fetch ends at once and does not wait for it.
///
/// A handle that is cheap to copy; copies share the function.
///
/// \par Thread safety
/// Different copies may be used from different threads. `async_fetch` may be called from any thread
/// at the same time.
class COAUTH_DECL token_fetcher
{
public:
    /// The type of the fetcher's executor.
    using executor_type = boost::asio::any_io_executor;

    /// Gets tokens from a client. The client may be moved afterwards; when it is destroyed or
    /// closed, every fetch fails with `errc::cancelled`.
    token_fetcher(client& client);

    ///@{

    /// Gets tokens from `function`, in one of two forms:
    ///
    /// - a coroutine: `asio::awaitable<result<access_token>>(token_fetch)`
    /// - any other function: `void(token_fetch, token_fetch_handler)`
    ///
    /// Invalid options are not exceptions: every fetch returns the error.
    template <detail::function_for_fetch F>
    token_fetcher(executor_type executor, F function, token_fetcher_options options = {})
        : impl_(
              detail::make_fetcher_of(std::move(executor), std::move(function), std::move(options)))
    {
    }
    template <class ExecutionContext, detail::function_for_fetch F>
        requires std::convertible_to<ExecutionContext&, boost::asio::execution_context&>
    token_fetcher(ExecutionContext& context, F function, token_fetcher_options options = {})
        : token_fetcher(
              executor_type(context.get_executor()), std::move(function), std::move(options))
    {
    }
    ///@}

    /// The executor.
    [[nodiscard]] executor_type get_executor() const noexcept;

    /// Gets one token: for a function that has another fetcher behind it, such as a cache before a
    /// client. Programs use a `token_source`.
    ///
    /// \return An awaitable, to be awaited once. The fetcher need not outlive the call.
    ///
    /// Cancellation and completion are those of `client::async_get_access_token`. The fetch ends at
    /// `token_fetch::deadline`, or earlier at the time limit of the fetcher or the client.
    [[nodiscard]] boost::asio::awaitable<result<access_token>> async_fetch(token_fetch what) const;
    /// The same with any completion token; signature `void(coauth::result<coauth::access_token>)`.
    template <boost::asio::completion_token_for<access_token_completion_signature> CompletionToken>
    auto async_fetch(token_fetch what, CompletionToken&& token) const
    {
        return boost::asio::async_initiate<CompletionToken, access_token_completion_signature>(
            detail::initiate_fetch(impl_), token, std::move(what));
    }

private:
    friend class shared_tokens;
    friend class token_cache;
    friend class token_source;
    explicit token_fetcher(std::shared_ptr<detail::fetcher> impl) noexcept : impl_(std::move(impl))
    {
    }

    std::shared_ptr<detail::fetcher> impl_;
};

} // namespace coauth

#endif
