#ifndef COAUTH_ASYNC_WITH_TOKEN_HPP
#define COAUTH_ASYNC_WITH_TOKEN_HPP

#include <coauth/detail/with_token.hpp>
#include <coauth/result.hpp>
#include <coauth/token_refused.hpp>
#include <coauth/token_source.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>

#include <utility>

namespace coauth
{

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
