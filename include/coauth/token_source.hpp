#ifndef COAUTH_TOKEN_SOURCE_HPP
#define COAUTH_TOKEN_SOURCE_HPP

#include <coauth/access_token.hpp>
#include <coauth/client.hpp>
#include <coauth/detail/token_waiting.hpp>
#include <coauth/export.hpp>
#include <coauth/result.hpp>
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
    initiate_get_from_source(std::shared_ptr<token_source_core> core, token_wish const& wish)
        : core_(std::move(core))
        , wish_(wish)
    {
    }

    template <class Handler>
    void operator()(Handler&& handler) const
    {
        token_waiting_of<std::decay_t<Handler>>::start(
            core_, wish_, std::forward<Handler>(handler));
    }

private:
    std::shared_ptr<token_source_core> core_;
    token_wish wish_;
};

} // namespace detail

/// Keeps one access token good for one `token_request`: what a server calls for each of its own
/// requests.
///
/// \code
/// coauth::token_source tokens(client, coauth::token_request().scope("read"));
///
/// auto token = co_await tokens.async_get_access_token();
/// if (!token)
/// {
///     log(token.error().message()); // holds no secret
///     co_return;
/// }
/// call_api(token->authorization());
/// \endcode
///
/// While it has a usable token, every call gets it at once. Otherwise the first call fetches one,
/// and all that come meanwhile wait for the same fetch: on success each gets the token, on failure
/// each gets the error. A token is renewed in the background before its end, at the first call
/// after some three quarters of its life, and handed out meanwhile; if the renewal fails it is
/// handed out until `token_source_options::margin` before its end, and never longer. Lives are
/// counted from when the request was sent, on the monotonic and the wall clock both; the one that
/// says "ended" first wins. While no renewal is near, each thread reads both once a second; if the
/// wall clock is set back meanwhile, a thread may see the end up to a second late.
///
/// After a failed fetch no other is begun for a while (`token_source_options::first_back_off`, or
/// as long as the server asks); without a usable token, calls then fail at once with the same
/// error, and `error::retry_at()` says until when.
///
/// Thread safety: all functions may be called from any thread, at the same time. Construction,
/// assignment and destruction must not overlap with other uses of the same object. A cancellation
/// signal is emitted where the handler runs, as for Asio's own operations: with several threads,
/// on a strand, on which the operation is started too.
///
/// Lifetime: destroying the source, or `close()`, completes its operations with `errc::cancelled`.
/// Destroying the client does the same to the fetch under way, and later ones fail likewise.
/// Stopping or destroying the execution context abandons operations without a completion, as it
/// does Asio's own. While a fetch is under way or an operation waits, the context has outstanding
/// work; a source at rest has none, unless `token_source_options::renew_unused` is set.
class COAUTH_DECL token_source
{
public:
    using executor_type = boost::asio::any_io_executor;

    /// A source of the tokens that `client` gets for `request`. Fetches nothing yet.
    ///
    /// Runs on the client's executor. The client may be moved afterwards; once it is destroyed or
    /// closed, every fetch fails with `errc::cancelled`. Faulty options, or a faulty client, are
    /// not thrown: every operation reports them.
    explicit token_source(
        client& client, token_request request = token_request(), token_source_options options = {});
    ~token_source();

    token_source(token_source&&) noexcept;
    token_source& operator=(token_source&&) noexcept;

    [[nodiscard]] executor_type get_executor() const noexcept;

    /// The token, if there is a usable one now; else an empty one. Never waits, and begins no fetch
    /// but a renewal: where there is no token, `async_get_access_token`, `async_refresh` or
    /// `warm_up` gets one, and with `token_source_options::renew_unused` the source by itself.
    ///
    /// Takes no lock, allocates nothing, and writes no memory that another thread reads, but for
    /// some moments, in which it takes a lock that nobody holds while waiting: each thread once to
    /// learn of a new token; while the token is due for renewal, each thread once per tick of the
    /// system's clock (some milliseconds) to see whether a fetch is to begin, and to begin it; and
    /// where there is no token. Of more than 256 sources in a process, some share the room that a
    /// thread has for them: a thread that uses such in turns takes their locks.
    [[nodiscard]] access_token try_get() noexcept;

    /// Gets a usable token: at once, or when the fetch that is under way, or is now begun, has
    /// ended.
    ///
    /// \return An awaitable to be awaited once. When there is a usable token, it was taken in this
    ///     call; awaiting it then does not go through the event loop.
    /// \par Cancellation Terminal, partial and total: all end the wait promptly with
    ///     `errc::cancelled`. The fetch goes on for the others, and, unless
    ///     `token_source_options::cancel_abandoned` is set, for none.
    /// \par Errors Any `errc` that the client reports; `errc::cancelled` once the source is closed.
    ///     Nothing is thrown but `std::bad_alloc`.
    [[nodiscard]] boost::asio::awaitable<result<access_token>> async_get_access_token();

    /// The same, waiting no longer than `limit`, and 24 hours at most: then it ends with
    /// `errc::timeout`, and the fetch goes on.
    [[nodiscard]] boost::asio::awaitable<result<access_token>>
    async_get_access_token(std::chrono::milliseconds limit);

    /// The same for any completion token.
    ///
    /// \par Completion signature `void(coauth::result<coauth::access_token>)`
    /// \par Completion Exactly once, never within this call, on the handler's associated executor
    ///     (else the client's). The handler's allocator and cancellation slot are honoured.
    template <boost::asio::completion_token_for<access_token_signature> CompletionToken>
    auto async_get_access_token(CompletionToken&& token)
    {
        return initiate({}, std::forward<CompletionToken>(token));
    }
    template <boost::asio::completion_token_for<access_token_signature> CompletionToken>
    auto async_get_access_token(std::chrono::milliseconds limit, CompletionToken&& token)
    {
        return initiate({false, limit}, std::forward<CompletionToken>(token));
    }

    /// Fetches a new token, however good the present one is, or joins a fetch that is under way.
    /// The present one is handed out to others meanwhile.
    ///
    /// Not kept back by a failure shortly before, but by a time that the server named: then it
    /// fails at once with that error. Otherwise as `async_get_access_token`.
    [[nodiscard]] boost::asio::awaitable<result<access_token>> async_refresh();
    [[nodiscard]] boost::asio::awaitable<result<access_token>>
    async_refresh(std::chrono::milliseconds limit);
    template <boost::asio::completion_token_for<access_token_signature> CompletionToken>
    auto async_refresh(CompletionToken&& token)
    {
        return initiate({true}, std::forward<CompletionToken>(token));
    }
    template <boost::asio::completion_token_for<access_token_signature> CompletionToken>
    auto async_refresh(std::chrono::milliseconds limit, CompletionToken&& token)
    {
        return initiate({true, limit}, std::forward<CompletionToken>(token));
    }

    /// Begins to fetch a token, if there is no usable one, so that it is there when the first
    /// caller comes. Does not wait.
    void warm_up() noexcept;

    /// Says that `token` was refused by those who were to accept it. Drops it if it is the token
    /// handed out now; the next call fetches another. Of a thousand callers who say so of the same
    /// token, one is heard.
    ///
    /// When the server hands out the same token again, it is handed on, and this has no effect on
    /// it until a back-off has passed: a server that insists causes no loop. The same holds for the
    /// fifth token, and further ones, that is refused within 30 s after it came.
    ///
    /// \return True when it was dropped.
    bool invalidate(access_token const& token) noexcept;

    /// How it is doing.
    [[nodiscard]] token_source_status status() const;
    /// What it did so far.
    [[nodiscard]] token_source_counters counters() const;

    /// Ends all operations with `errc::cancelled`; later ones fail likewise.
    void close() noexcept;

private:
    friend class detail::source_access;

    template <class CompletionToken>
    auto initiate(detail::token_wish const& wish, CompletionToken&& token)
    {
        return boost::asio::async_initiate<CompletionToken, access_token_signature>(
            detail::initiate_get_from_source(core_, wish), token);
    }

    std::shared_ptr<detail::token_source_core> core_;
};

} // namespace coauth

#endif
