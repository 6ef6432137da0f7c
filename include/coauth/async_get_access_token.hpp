#ifndef COAUTH_ASYNC_GET_ACCESS_TOKEN_HPP
#define COAUTH_ASYNC_GET_ACCESS_TOKEN_HPP

#include <coauth/client.hpp>

namespace coauth
{

namespace detail
{

[[nodiscard]] COAUTH_DECL std::shared_ptr<client_core>
make_one_shot_core(boost::asio::any_io_executor executor, client_config config);

[[nodiscard]] COAUTH_DECL boost::asio::awaitable<result<access_token>>
get_access_token(std::shared_ptr<client_core> core, token_request request);

} // namespace detail

/// Gets one access token, once (RFC 6749 section 4.4): a `client` for a single operation.
///
/// For a program that needs one token. A server keeps a `client`. The connection is not kept, and a
/// failed request is not repeated.
///
/// \param executor Where the connection runs.
/// \param config Copied. Checked before anything else; trust stores are shared between calls, so
///     repeated calls do not load them again.
/// \param request What to ask for. Default: whatever the server grants.
/// \return An awaitable to be awaited once; it needs none of the arguments to outlive the call.
///
/// Cancellation, errors and completion are those of `client::async_get_access_token`.
[[nodiscard]] inline boost::asio::awaitable<result<access_token>> async_get_access_token(
    boost::asio::any_io_executor executor, client_config const& config,
    token_request request = token_request())
{
    return detail::get_access_token(
        detail::make_one_shot_core(std::move(executor), config), std::move(request));
}

/// The same for any completion token; signature `void(coauth::result<coauth::access_token>)`.
template <boost::asio::completion_token_for<access_token_signature> CompletionToken>
auto async_get_access_token(
    boost::asio::any_io_executor executor, client_config const& config, token_request request,
    CompletionToken&& token)
{
    return boost::asio::async_initiate<CompletionToken, access_token_signature>(
        detail::initiate_get_access_token(detail::make_one_shot_core(std::move(executor), config)),
        token, std::move(request));
}

} // namespace coauth

#endif
