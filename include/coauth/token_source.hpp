#ifndef COAUTH_TOKEN_SOURCE_HPP
#define COAUTH_TOKEN_SOURCE_HPP

#include <coauth/access_token.hpp>
#include <coauth/api_challenge.hpp>
#include <coauth/detail/token_wait_op.hpp>
#include <coauth/export.hpp>
#include <coauth/result.hpp>
#include <coauth/token_fetcher.hpp>
#include <coauth/token_request.hpp>
#include <coauth/token_source_options.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace coauth
{

namespace detail
{

class source_access;

class initiate_get_from_source
{
public:
    initiate_get_from_source(std::shared_ptr<token_source_impl> source, get_options const& options)
        : source_(std::move(source))
        , options_(options)
    {
    }

    using executor_type = boost::asio::any_io_executor;
    [[nodiscard]] executor_type get_executor() const noexcept { return executor_of(*source_); }

    template <class Handler>
    void operator()(Handler&& handler) const
    {
        token_wait_op_impl<std::decay_t<Handler>>::start(
            source_, options_, std::forward<Handler>(handler));
    }

private:
    std::shared_ptr<token_source_impl> source_;
    get_options options_;
};

} // namespace detail

/// Keeps a valid access token for one `token_request`. A server gets the token for each of its own
/// requests here.
///
/// \code
/// coauth::token_source tokens(client, coauth::token_request().scope("read"));
///
/// auto token = co_await tokens.async_get_access_token();
/// if (!token)
/// {
///     log(token.error().message()); // contains no secret
///     co_return;
/// }
/// call_api(token->authorization());
/// \endcode
///
/// While there is a usable token, every call gets it at once. Otherwise the first call starts a
/// fetch, and all calls meanwhile wait for the same fetch: each gets its token or its error.
///
/// The token is refreshed in the background before it expires: at the first call after 70 to 80 %
/// of its lifetime. Callers get the old token meanwhile. If the refresh fails, they get it until
/// `token_source_options::expiry_margin` before it expires, and never longer. The lifetime is
/// counted from the request, by the monotonic clock and by the wall clock; the token expires when
/// either says so. While no refresh is near, each thread reads the clocks once a second: if the
/// wall clock is set back, a thread may notice the expiry up to one second late.
///
/// After a failed fetch there is a back-off (see `token_source_options::initial_back_off`), during
/// which no fetch starts. Calls without a usable token then fail at once with the same error, and
/// `error::retry_at()` is the end of the back-off. The first back-offs take seconds: a single odd
/// response costs no more.
///
/// A token that may be used once (`expires_in` of 0) goes to all operations that wait for it. The
/// next fetch starts a second after the last one at the earliest; operations wait for it.
///
/// \par Thread safety
/// All functions may be called from any thread at the same time. Construction, assignment and
/// destruction must not overlap with other uses of the same object. Emit the cancellation signal
/// from the handler's executor (a strand if that executor has several threads, on which the
/// operation is started too), as with Asio's own operations.
///
/// \par Lifetime
/// Destroying the source, or `close()`, completes its operations with `errc::cancelled`. Destroying
/// the client does the same to the running fetch, and later fetches fail with the same error.
/// Stopping or destroying the execution context abandons operations without a completion, as with
/// Asio's own operations. The source is outstanding work of the context only while a fetch runs or
/// an operation waits, or if `token_source_options::refresh_when_idle` is set.
class COAUTH_DECL token_source
{
public:
    /// The type of the source's executor.
    using executor_type = boost::asio::any_io_executor;

    /// Creates a source of tokens that `fetcher`, which may simply be a client, gets for `request`.
    /// Starts no fetch.
    ///
    /// The source runs on the fetcher's executor. A client may be moved afterwards. When it is
    /// destroyed or closed, every fetch fails with `errc::cancelled`. Invalid options, or an
    /// invalid client, are not exceptions: every operation returns the error.
    ///
    /// If the request presents a refresh token and the server returns a new one, the source
    /// presents that from then on. Save it with `token_source_options::on_token`.
    explicit token_source(
        token_fetcher const& fetcher, token_request request = token_request(),
        token_source_options options = {});
    /// Completes waiting operations with `errc::cancelled`.
    ~token_source();

    /// Moves the source; its operations continue. The source moved from may then only be assigned
    /// to or destroyed.
    token_source(token_source&&) noexcept;
    /// Closes this source, then moves the other one here.
    token_source& operator=(token_source&&) noexcept;

    /// The executor of the fetcher.
    [[nodiscard]] executor_type get_executor() const noexcept;

    /// Returns the token if there is a usable one now, else an empty token. Never waits. Starts a
    /// fetch only to refresh a usable token: use `async_get_access_token`,
    /// `async_get_new_access_token`, `warm_up` or `token_source_options::refresh_when_idle` to get
    /// the first one.
    ///
    /// Usually waits for no other thread and allocates nothing: threads that call at the same time
    /// use copies of their own. It takes a short lock of the source: once for each copy of a new
    /// token; once per tick of the system clock (a few milliseconds) for each copy while a refresh
    /// is due; and whenever there is no token.
    [[nodiscard]] access_token try_get() noexcept;

    /// Gets a usable token: at once, or when the running or newly started fetch has ended.
    ///
    /// \return An awaitable, to be awaited once. If there is a usable token, this call takes it,
    ///     and awaiting the result does not go through the event loop.
    ///
    /// \par Cancellation
    /// Terminal, partial and total: each ends the wait promptly with `errc::cancelled`. The fetch
    /// continues for the other operations. If no other operation waits, it continues all the same,
    /// unless `token_source_options::cancel_when_unwaited` is set.
    ///
    /// \par Errors
    /// Any `errc` that the fetcher returns; `errc::cancelled` when the source is closed. Throws
    /// only `std::bad_alloc`.
    [[nodiscard]] boost::asio::awaitable<result<access_token>> async_get_access_token();

    /// The same with a time limit for the wait, at most 24 hours. When `limit` has passed, the
    /// operation ends with `errc::timeout`, and the fetch continues.
    [[nodiscard]] boost::asio::awaitable<result<access_token>>
    async_get_access_token(std::chrono::milliseconds limit);

    ///@{

    /// The same with any completion token.
    ///
    /// \par Completion signature
    /// `void(coauth::result<coauth::access_token>)`
    ///
    /// \par Completion
    /// Exactly once, never inside this call, on the handler's associated executor (by default the
    /// source's). The handler's associated allocator and cancellation slot are used.
    template <boost::asio::completion_token_for<access_token_completion_signature> CompletionToken>
    auto async_get_access_token(CompletionToken&& token)
    {
        return initiate({}, std::forward<CompletionToken>(token));
    }
    template <boost::asio::completion_token_for<access_token_completion_signature> CompletionToken>
    auto async_get_access_token(std::chrono::milliseconds limit, CompletionToken&& token)
    {
        return initiate({false, limit}, std::forward<CompletionToken>(token));
    }
    ///@}

    ///@{

    /// Fetches a new token even if the current one is usable, or joins the running fetch. Other
    /// calls get the current token meanwhile.
    ///
    /// No back-off delays it, not even a delay that the server requested. Otherwise it works like
    /// `async_get_access_token`.
    [[nodiscard]] boost::asio::awaitable<result<access_token>> async_get_new_access_token();
    [[nodiscard]] boost::asio::awaitable<result<access_token>>
    async_get_new_access_token(std::chrono::milliseconds limit);
    template <boost::asio::completion_token_for<access_token_completion_signature> CompletionToken>
    auto async_get_new_access_token(CompletionToken&& token)
    {
        return initiate({true}, std::forward<CompletionToken>(token));
    }
    template <boost::asio::completion_token_for<access_token_completion_signature> CompletionToken>
    auto async_get_new_access_token(std::chrono::milliseconds limit, CompletionToken&& token)
    {
        return initiate({true, limit}, std::forward<CompletionToken>(token));
    }
    ///@}

    /// Starts to fetch a token if there is no usable one, so that the first caller need not wait.
    /// Does not wait itself.
    void warm_up() noexcept;

    /// Reports that a resource server rejected `token`. If it is the cached token it is dropped,
    /// and the next call fetches a new one. Repeated reports of the same token have no further
    /// effect.
    ///
    /// If the server returns the same token again, callers get it, and it cannot be dropped until a
    /// back-off has passed. The same holds for the fifth and later tokens that are rejected within
    /// 30 s of being fetched. So a server that rejects its own tokens does not cause an endless
    /// loop.
    ///
    /// \return True if the token was dropped.
    bool invalidate(access_token const& token) noexcept;

    /// The same for an API that demands a token with other claims (`challenge_remedy::claims`).
    /// From now on the requests also have the `claims`, `acr_values` and `max_age` of the challenge
    /// as parameters, so that the next token has what the API demands.
    ///
    /// \code
    /// auto token = co_await tokens.async_get_access_token();
    /// if (!token)
    ///     co_return;
    /// auto response = co_await get("/messages", *token);
    /// auto const challenge = coauth::parse_api_challenge(response);
    /// if (challenge && challenge->remedy == coauth::challenge_remedy::claims)
    ///     tokens.invalidate(*token, *challenge); // then call the API again with a new token
    /// \endcode
    ///
    /// The claims of several challenges are merged with each other and with a parameter `claims` of
    /// the request; of the other parameters the last one counts. All users of this source get such
    /// tokens: use it for APIs that you trust to demand them.
    ///
    /// \return True if the token was dropped.
    bool invalidate(access_token const& token, api_challenge const& challenge);

    /// The current state, for health checks.
    [[nodiscard]] token_source_status status() const;
    /// The counters since construction.
    [[nodiscard]] token_source_counters counters() const;

    /// Ends all operations with `errc::cancelled`. Later operations fail with the same error.
    void close() noexcept;

private:
    friend class detail::source_access;

    template <class CompletionToken>
    auto initiate(detail::get_options const& options, CompletionToken&& token)
    {
        return boost::asio::async_initiate<CompletionToken, access_token_completion_signature>(
            detail::initiate_get_from_source(impl_, options), token);
    }

    std::shared_ptr<detail::token_source_impl> impl_;
};

} // namespace coauth

#endif
