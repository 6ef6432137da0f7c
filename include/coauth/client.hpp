#ifndef COAUTH_CLIENT_HPP
#define COAUTH_CLIENT_HPP

#include <coauth/access_token.hpp>
#include <coauth/client_config.hpp>
#include <coauth/detail/delivery.hpp>
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

/// The completion signature of every operation that yields a token.
using access_token_signature = void(result<access_token>);
/// Those of `client::async_introspect` and `client::async_revoke`.
using introspection_signature = void(result<introspection>);
using revocation_signature = void(result<void>);

namespace detail
{

class client_core;

COAUTH_DECL void start_get_access_token(
    std::shared_ptr<client_core> const& core, token_request request,
    boost::asio::any_completion_handler<access_token_signature> handler);
COAUTH_DECL void start_introspect(
    std::shared_ptr<client_core> const& core, secret token, std::string type_hint,
    boost::asio::any_completion_handler<introspection_signature> handler);
COAUTH_DECL void start_revoke(
    std::shared_ptr<client_core> const& core, secret token, std::string type_hint,
    boost::asio::any_completion_handler<revocation_signature> handler);
COAUTH_DECL boost::asio::any_io_executor executor_of(client_core const& core) noexcept;

class initiate_get_access_token
{
public:
    explicit initiate_get_access_token(std::shared_ptr<client_core> core) : core_(std::move(core))
    {
    }

    template <class Handler>
    void operator()(Handler&& handler, token_request request) const
    {
        start_get_access_token(
            core_, std::move(request),
            delivery<std::decay_t<Handler>>(std::forward<Handler>(handler), executor_of(*core_)));
    }

private:
    std::shared_ptr<client_core> core_;
};

// `Start` is one of the functions above that take a token.
template <auto Start>
class initiate_about_token
{
public:
    explicit initiate_about_token(std::shared_ptr<client_core> core) : core_(std::move(core)) {}

    template <class Handler>
    void operator()(Handler&& handler, secret token, std::string type_hint) const
    {
        Start(
            core_, std::move(token), std::move(type_hint),
            delivery<std::decay_t<Handler>>(std::forward<Handler>(handler), executor_of(*core_)));
    }

private:
    std::shared_ptr<client_core> core_;
};

using initiate_introspect = initiate_about_token<&start_introspect>;
using initiate_revoke = initiate_about_token<&start_revoke>;

} // namespace detail

/// What a client did since it was made.
struct client_counters
{
    /// Operations that asked for a token: those that got one, and those that did not.
    std::uint64_t tokens = 0;
    std::uint64_t failures = 0;
    /// Requests of all operations, repetitions included.
    std::uint64_t attempts = 0;
    std::uint64_t connections_opened = 0;
    /// Of those, how many resumed a TLS session.
    std::uint64_t sessions_resumed = 0;
    std::uint64_t connections_reused = 0;
    /// Now: open connections, idle ones among them, and operations in line for one.
    std::size_t open = 0;
    std::size_t idle = 0;
    std::size_t waiting = 0;
};

/// Gets access tokens from one authorization server.
///
/// Keeps connections alive and uses them again, the most recently used first. Transient failures
/// are repeated as `client_config::retry` says.
///
/// Thread safety: operations may be started from any thread, at the same time. Construction,
/// assignment and destruction must not overlap with other uses of the same object. A cancellation
/// signal is emitted where the handler runs, as for Asio's own operations: with several threads,
/// on a strand, on which the operation is started too.
///
/// Lifetime: destroying the client, or `close()`, completes its operations with `errc::cancelled`.
/// Stopping or destroying the execution context abandons them without a completion, as it does
/// Asio's own. Idle connections keep no context from ending.
class COAUTH_DECL client
{
public:
    using executor_type = boost::asio::any_io_executor;

    /// A client whose connections run on `executor`. It may have one thread or many, and may be a
    /// strand.
    ///
    /// Reads the files of certificates and keys that `config` names; the first client of a process
    /// that trusts the system's certificates loads them (some 20 ms), later ones share them. A
    /// faulty configuration is not thrown: `status()` and every operation report it, and no socket
    /// is opened. Without memory for all this it throws `std::bad_alloc`.
    client(executor_type executor, client_config config);
    /// The same on the executor of an execution context.
    template <class ExecutionContext>
        requires std::convertible_to<ExecutionContext&, boost::asio::execution_context&>
    client(ExecutionContext& context, client_config config)
        : client(executor_type(context.get_executor()), std::move(config))
    {
    }
    ~client();

    client(client&&) noexcept;
    client& operator=(client&&) noexcept;

    [[nodiscard]] executor_type get_executor() const noexcept;

    /// Success, or what is wrong with the configuration. What another endpoint than the token's
    /// needs is reported by the operations that use it, and a secret from a function is first asked
    /// for by an operation.
    [[nodiscard]] result<void> status() const;

    /// Gets a new access token: with the client credentials grant (RFC 6749 section 4.4), unless
    /// the request is of another.
    ///
    /// Takes an idle connection, or resolves, connects and verifies the server; sends the request
    /// and reads its answer; all before `client_config::timeout`.
    ///
    /// \param request What to ask for; copied or moved. Default: whatever the server grants.
    /// \return An awaitable to be awaited once. It needs neither this object nor its own arguments
    ///     to outlive the call.
    /// \par Cancellation Terminal, partial and total: all end the operation promptly with
    ///     `errc::cancelled`, whatever it waits for.
    /// \par Errors Any `errc`. Nothing is thrown for what the network, the server, the
    ///     configuration, the request or a cancellation does; `std::bad_alloc` may be.
    [[nodiscard]] boost::asio::awaitable<result<access_token>>
    async_get_access_token(token_request request = token_request());

    /// The same for any completion token.
    ///
    /// \par Completion signature `void(coauth::result<coauth::access_token>)`
    /// \par Completion Exactly once, never within this call, on the handler's associated executor
    ///     (else the client's). The handler's allocator and cancellation slot are honoured.
    template <boost::asio::completion_token_for<access_token_signature> CompletionToken>
    auto async_get_access_token(token_request request, CompletionToken&& token)
    {
        return boost::asio::async_initiate<CompletionToken, access_token_signature>(
            detail::initiate_get_access_token(core_), token, std::move(request));
    }
    template <boost::asio::completion_token_for<access_token_signature> CompletionToken>
    auto async_get_access_token(CompletionToken&& token)
    {
        return async_get_access_token(token_request(), std::forward<CompletionToken>(token));
    }

    /// Asks the server about a token (RFC 7662): one that came to this program from others.
    ///
    /// \param token The token's text.
    /// \param type_hint "access_token" or "refresh_token", to help the server; may be empty.
    ///
    /// Cancellation, errors and completion are those of `async_get_access_token`;
    /// `errc::invalid_configuration` where `authorization_server::introspection_endpoint` is not
    /// known. A token that is not good is no error: `introspection::active` is false.
    [[nodiscard]] boost::asio::awaitable<result<introspection>>
    async_introspect(secret token, std::string type_hint = std::string());
    /// The same for any completion token; signature `void(coauth::result<introspection>)`.
    template <boost::asio::completion_token_for<introspection_signature> CompletionToken>
    auto async_introspect(secret token, std::string type_hint, CompletionToken&& completion)
    {
        return boost::asio::async_initiate<CompletionToken, introspection_signature>(
            detail::initiate_introspect(core_), completion, std::move(token), std::move(type_hint));
    }

    /// Tells the server that a token is not needed any more (RFC 7009). Parameters and errors as
    /// for `async_introspect`; a token that the server does not know is no error.
    [[nodiscard]] boost::asio::awaitable<result<void>>
    async_revoke(secret token, std::string type_hint = std::string());
    /// The same for any completion token; signature `void(coauth::result<void>)`.
    template <boost::asio::completion_token_for<revocation_signature> CompletionToken>
    auto async_revoke(secret token, std::string type_hint, CompletionToken&& completion)
    {
        return boost::asio::async_initiate<CompletionToken, revocation_signature>(
            detail::initiate_revoke(core_), completion, std::move(token), std::move(type_hint));
    }

    /// What it did so far, and its connections now. Safe from any thread.
    [[nodiscard]] client_counters counters() const;

    /// Ends all operations with `errc::cancelled`; later ones fail likewise. Safe from any thread.
    void close() noexcept;

private:
    friend class token_source;
    friend class token_cache;
    std::shared_ptr<detail::client_core> core_;
};

} // namespace coauth

#endif
