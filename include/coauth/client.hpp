#ifndef COAUTH_CLIENT_HPP
#define COAUTH_CLIENT_HPP

#include <coauth/access_token.hpp>
#include <coauth/client_config.hpp>
#include <coauth/client_counters.hpp>
#include <coauth/detail/executor_bound_handler.hpp>
#include <coauth/export.hpp>
#include <coauth/introspection.hpp>
#include <coauth/result.hpp>
#include <coauth/token_request.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/execution_context.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace coauth
{

/// The completion signature of every operation that returns a token.
using access_token_completion_signature = void(result<access_token>);
/// The completion signature of `client::async_introspect`.
using introspection_completion_signature = void(result<introspection>);
/// The completion signature of `client::async_revoke`.
using revocation_completion_signature = void(result<void>);

namespace detail
{

class client_impl;

COAUTH_DECL void start_get_access_token(
    std::shared_ptr<client_impl> const& core, token_request request,
    boost::asio::any_completion_handler<access_token_completion_signature> handler);
COAUTH_DECL void start_introspect(
    std::shared_ptr<client_impl> const& core, secret token, std::string type_hint,
    boost::asio::any_completion_handler<introspection_completion_signature> handler);
COAUTH_DECL void start_revoke(
    std::shared_ptr<client_impl> const& core, secret token, std::string type_hint,
    boost::asio::any_completion_handler<revocation_completion_signature> handler);
COAUTH_DECL boost::asio::any_io_executor executor_of(client_impl const& core) noexcept;

class initiate_get_access_token
{
public:
    explicit initiate_get_access_token(std::shared_ptr<client_impl> core) : core_(std::move(core))
    {
    }

    using executor_type = boost::asio::any_io_executor;
    // For completion tokens that need timers or coroutines of their own, as `cancel_after` does.
    [[nodiscard]] executor_type get_executor() const noexcept { return executor_of(*core_); }

    template <class Handler>
    void operator()(Handler&& handler, token_request request) const
    {
        start_get_access_token(
            core_, std::move(request),
            executor_bound_handler<std::decay_t<Handler>>(
                std::forward<Handler>(handler), executor_of(*core_)));
    }

private:
    std::shared_ptr<client_impl> core_;
};

// `Start` is one of the functions above that take a token.
template <auto Start>
class initiate_about_token
{
public:
    explicit initiate_about_token(std::shared_ptr<client_impl> core) : core_(std::move(core)) {}

    using executor_type = boost::asio::any_io_executor;
    [[nodiscard]] executor_type get_executor() const noexcept { return executor_of(*core_); }

    template <class Handler>
    void operator()(Handler&& handler, secret token, std::string type_hint) const
    {
        Start(
            core_, std::move(token), std::move(type_hint),
            executor_bound_handler<std::decay_t<Handler>>(
                std::forward<Handler>(handler), executor_of(*core_)));
    }

private:
    std::shared_ptr<client_impl> core_;
};

using initiate_introspect = initiate_about_token<&start_introspect>;
using initiate_revoke = initiate_about_token<&start_revoke>;

} // namespace detail

/// Gets access tokens from one authorization server.
///
/// A client keeps connections alive and reuses the most recently used one first. It retries
/// transient failures as `client_config::retry` says.
///
/// \par Thread safety
/// Operations may be started from any thread at the same time. Construction, assignment and
/// destruction must not overlap with other uses of the same object. Emit
/// the cancellation signal from the handler's executor (a strand if that executor has several
/// threads, on which the operation is started too), as with Asio's own operations.
///
/// \par Lifetime
/// Destroying the client, or `close()`, completes its operations with `errc::cancelled`. Stopping
/// or destroying the execution context abandons them without a completion, as with Asio's own
/// operations. Idle connections are not outstanding work: `run()` returns.
class COAUTH_DECL client
{
public:
    /// The type of the client's executor.
    using executor_type = boost::asio::any_io_executor;

    /// Creates a client whose connections run on `executor`, which may have one thread or many and
    /// may be a strand.
    ///
    /// Reads the certificate and key files in `config`. The first client of a process that trusts
    /// the system's CA certificates loads them (about 20 ms); later clients share them. An invalid
    /// configuration is not an exception: `validate()` and every operation return the error, and no
    /// socket is opened. If only a file is missing or unusable, operations succeed once it can be
    /// used. Throws only `std::bad_alloc`.
    client(executor_type executor, client_config config);
    /// The same with the executor of an execution context.
    template <class ExecutionContext>
        requires std::convertible_to<ExecutionContext&, boost::asio::execution_context&>
    client(ExecutionContext& context, client_config config)
        : client(executor_type(context.get_executor()), std::move(config))
    {
    }
    /// Completes running operations with `errc::cancelled`.
    ~client();

    /// Moves the client; its operations continue. The source may then only be assigned to or
    /// destroyed.
    client(client&&) noexcept;
    /// Closes this client, then moves the other one here.
    client& operator=(client&&) noexcept;

    /// The executor passed to the constructor.
    [[nodiscard]] executor_type get_executor() const noexcept;

    /// Success if requests can be sent; or the error in the configuration or in a file that it
    /// names. Does not check what only introspection and revocation need, and does not call the
    /// `secret_provider` of a client secret: the operations report those errors.
    [[nodiscard]] result<void> validate() const;

    /// Gets a new access token: by the client credentials grant (RFC 6749 section 4.4), unless the
    /// request has another grant.
    ///
    /// Takes an idle connection, or resolves the name, connects and verifies the server; then sends
    /// the request and reads the response. `client_config::timeout` limits all of this together.
    ///
    /// \param request Grant, scope and other parameters; copied or moved. Default: client
    ///     credentials, no scope.
    /// \return An awaitable, to be awaited once. Neither the client nor the arguments need to
    ///     outlive the call.
    ///
    /// \par Cancellation
    /// Terminal, partial and total: each ends the operation promptly with `errc::cancelled`.
    ///
    /// \par Errors
    /// Any `errc`. The network, the server, the configuration, the request and cancellation never
    /// cause an exception; only `std::bad_alloc` may be thrown.
    [[nodiscard]] boost::asio::awaitable<result<access_token>>
    async_get_access_token(token_request request = token_request());

    ///@{

    /// The same with any completion token.
    ///
    /// \par Completion signature
    /// `void(coauth::result<coauth::access_token>)`
    ///
    /// \par Completion
    /// Exactly once, never inside this call, on the handler's associated executor (by default the
    /// client's). The handler's associated allocator and cancellation slot are used.
    template <boost::asio::completion_token_for<access_token_completion_signature> CompletionToken>
    auto async_get_access_token(token_request request, CompletionToken&& token)
    {
        return boost::asio::async_initiate<CompletionToken, access_token_completion_signature>(
            detail::initiate_get_access_token(core_), token, std::move(request));
    }
    template <boost::asio::completion_token_for<access_token_completion_signature> CompletionToken>
    auto async_get_access_token(CompletionToken&& token)
    {
        return async_get_access_token(token_request(), std::forward<CompletionToken>(token));
    }
    ///@}

    /// Asks the server whether a token that this program received is valid (RFC 7662).
    ///
    /// \param token The token's text.
    /// \param type_hint "access_token" or "refresh_token"; helps the server find it. May be empty.
    /// \return The server's statement. An invalid token is not an error: `introspection::active` is
    ///     false.
    ///
    /// Cancellation, errors and completion are those of `async_get_access_token`. Without
    /// `authorization_server::introspection_endpoint` it fails with `errc::invalid_configuration`.
    [[nodiscard]] boost::asio::awaitable<result<introspection>>
    async_introspect(secret token, std::string type_hint = std::string());
    /// The same with any completion token; signature `void(coauth::result<coauth::introspection>)`.
    template <boost::asio::completion_token_for<introspection_completion_signature> CompletionToken>
    auto async_introspect(secret token, std::string type_hint, CompletionToken&& completion)
    {
        return boost::asio::async_initiate<CompletionToken, introspection_completion_signature>(
            detail::initiate_introspect(core_), completion, std::move(token), std::move(type_hint));
    }

    /// Revokes a token at the server (RFC 7009). Parameters and errors are those of
    /// `async_introspect`, with `authorization_server::revocation_endpoint`. A token that the
    /// server does not know is not an error.
    [[nodiscard]] boost::asio::awaitable<result<void>>
    async_revoke(secret token, std::string type_hint = std::string());
    /// The same with any completion token; signature `void(coauth::result<void>)`.
    template <boost::asio::completion_token_for<revocation_completion_signature> CompletionToken>
    auto async_revoke(secret token, std::string type_hint, CompletionToken&& completion)
    {
        return boost::asio::async_initiate<CompletionToken, revocation_completion_signature>(
            detail::initiate_revoke(core_), completion, std::move(token), std::move(type_hint));
    }

    /// The counters since construction, and the connections now. Safe from any thread.
    [[nodiscard]] client_counters counters() const;

    /// Ends all operations with `errc::cancelled`. Later operations fail with the same error. Safe
    /// from any thread.
    void close() noexcept;

private:
    friend class token_cache;
    friend class token_fetcher;
    std::shared_ptr<detail::client_impl> core_;
};

} // namespace coauth

#endif
