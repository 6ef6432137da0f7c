#ifndef COAUTH_ASYNC_CALL_WITH_TOKEN_HPP
#define COAUTH_ASYNC_CALL_WITH_TOKEN_HPP

#include <coauth/detail/call_with_token.hpp>
#include <coauth/result.hpp>
#include <coauth/token_rejected.hpp>
#include <coauth/token_source.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>

#include <utility>

namespace coauth
{

/// Calls an API with a token, and once more with a new token if the API rejects the first.
///
/// \code
/// coauth::token_source tokens(client, coauth::token_request().scope("read"));
///
/// auto const call = [](coauth::access_token token) { return get("/messages", token); };
/// auto response = co_await coauth::async_call_with_token(tokens, call);
/// if (!response)
///     log(response.error().message()); // there is no token
/// \endcode
///
/// If the token is bound to a DPoP key and the response demands a proof with the API's nonce (401
/// with the error `use_dpop_nonce`), the nonce is stored and the API is called again with the same
/// token; `operation` puts it into the request with `authorize`, which makes a new proof. A nonce
/// in any other response is stored too. This needs a response whose fields can be read: one of
/// Boost.Beast, or a type like it.
///
/// Only a new token of the same kind is fetched. If the API demands another scope or other claims
/// (`insufficient_scope`, `insufficient_claims`, `insufficient_user_authentication`), the result is
/// that response; see `parse_api_challenge` and `token_source::invalidate`.
///
/// If the response rejects the token, the token is invalidated and a new one is fetched. Any number
/// of concurrent calls whose token was rejected share one fetch. The result is the second response,
/// even if it rejects its token too. If the server returns the same token again, the API is not
/// called a second time and the result is the first response.
///
/// \param tokens The source of the token. It need not outlive the call. If it is destroyed or
///     closed while the call waits for a token, the call ends with `errc::cancelled`.
/// \param operation Called once or twice (four times, if the API demands nonces) with an
///     `access_token`; returns an `awaitable` of the response. Copied or moved, and kept until the
///     call ends.
/// \param is_rejected Called with the response; returns true if the response rejects the token. The
///     default accepts a response of Boost.Beast, and types like it.
/// \return An awaitable, to be awaited once, of `result<Response>`: the response, or the error if
///     there is no token. It throws what `operation` throws.
///
/// \par Cancellation
/// Terminal, partial and total. While the call waits for a token it ends with `errc::cancelled`.
/// While the API is called, `operation` handles the cancellation; if it returns a response all the
/// same, the result is that response, or `errc::cancelled` if the response rejects the token.
///
/// \par GCC 12
/// GCC 12 miscompiles a lambda with captures inside an awaited expression. Name it first, as above.
template <
    class Operation, detail::rejection_predicate<Operation> IsRejected = is_invalid_token_response>
[[nodiscard]] boost::asio::awaitable<result<detail::response_of<Operation>>> async_call_with_token(
    token_source& tokens, Operation operation, IsRejected is_rejected = IsRejected())
{
    return detail::call_with_token(
        detail::source_access::impl(tokens), std::move(operation), std::move(is_rejected));
}

///@{

/// The same with any completion token.
///
/// \par Completion signature
/// `void(std::exception_ptr, coauth::result<Response>)`. The pointer is null unless `operation`
/// threw, for example Asio's `operation_aborted` after a cancellation; the result is then
/// meaningless. `Response` must be default-constructible.
///
/// \par Completion
/// Exactly once, never inside this call, on the handler's associated executor (by default the
/// client's). `operation` runs there too. The handler's cancellation slot works as described above.
template <
    class Operation, detail::rejection_predicate<Operation> IsRejected,
    boost::asio::completion_token_for<detail::call_with_token_completion_signature<Operation>>
        CompletionToken>
auto async_call_with_token(
    token_source& tokens, Operation operation, IsRejected is_rejected, CompletionToken&& token)
{
    return boost::asio::async_initiate<
        CompletionToken, detail::call_with_token_completion_signature<Operation>>(
        detail::initiate_call_with_token(
            detail::source_access::impl(tokens), tokens.get_executor()),
        token, std::move(operation), std::move(is_rejected));
}
template <
    class Operation,
    boost::asio::completion_token_for<detail::call_with_token_completion_signature<Operation>>
        CompletionToken>
    requires(!detail::rejection_predicate<CompletionToken, Operation>)
auto async_call_with_token(token_source& tokens, Operation operation, CompletionToken&& token)
{
    return async_call_with_token(
        tokens, std::move(operation), is_invalid_token_response(),
        std::forward<CompletionToken>(token));
}
///@}

} // namespace coauth

#endif
