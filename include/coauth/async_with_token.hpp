#ifndef COAUTH_ASYNC_WITH_TOKEN_HPP
#define COAUTH_ASYNC_WITH_TOKEN_HPP

#include <coauth/access_token.hpp>
#include <coauth/export.hpp>
#include <coauth/result.hpp>
#include <coauth/token_refused.hpp>
#include <coauth/token_source.hpp>

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace coauth
{

namespace detail
{

[[nodiscard]] COAUTH_DECL boost::asio::awaitable<result<access_token>>
get_from_source(std::shared_ptr<token_source_core> core);

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

template <class Operation, class Refused>
boost::asio::awaitable<result<answer_of<Operation>>>
with_token(std::shared_ptr<token_source_core> core, Operation operation, Refused refused)
{
    using outcome = result<answer_of<Operation>>;
    auto token = co_await get_from_source(core);
    if (!token)
        co_return outcome(token.error());
    auto answer = co_await operation(*token);
    bool const good = !refused(std::as_const(answer));
    if (good)
        co_return outcome(std::move(answer));
    invalidate_in_source(*core, *token);
    auto other = co_await get_from_source(core);
    if (!other)
        co_return outcome(other.error());
    // The server gives no other: the API would say the same again.
    if (*other == *token)
        co_return outcome(std::move(answer));
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
/// \param refused Called with the answer; says whether it refuses the token.
/// \return An awaitable, to be awaited once, of `result<Answer>`: the answer, or why there is no
///     token. What `operation` throws comes out of it.
/// \par GCC 12 A lambda with captures must not be written within the awaited expression; name it
///     first, as above.
template <class Operation, class Refused = answer_refuses_token>
[[nodiscard]] boost::asio::awaitable<result<detail::answer_of<Operation>>>
async_with_token(token_source& tokens, Operation operation, Refused refused = Refused())
{
    return detail::with_token(
        detail::source_access::core(tokens), std::move(operation), std::move(refused));
}

} // namespace coauth

#endif
