#ifndef COAUTH_ASYNC_GET_ACCESS_TOKEN_HPP
#define COAUTH_ASYNC_GET_ACCESS_TOKEN_HPP

#include <coauth/client.hpp>

namespace coauth
{

namespace detail
{

[[nodiscard]] COAUTH_DECL std::shared_ptr<client_impl>
make_one_shot_core(boost::asio::any_io_executor executor, client_config config);

[[nodiscard]] COAUTH_DECL boost::asio::awaitable<result<access_token>>
get_access_token(std::shared_ptr<client_impl> core, token_request request);

} // namespace detail

/// Gets one access token (RFC 6749 section 4.4) without a `client`.
///
/// For programs that need one token. A server should keep a `client` or a `token_source` instead:
/// this function closes its connection and does not retry.
///
/// \param executor Runs the connection.
/// \param config Copied, and validated before a socket is opened. Repeated calls share the loaded
///     CA certificates.
/// \param request Grant, scope and other parameters. Default: client credentials, no scope.
/// \return An awaitable, to be awaited once. The arguments need not outlive the call.
///
/// Cancellation, errors and completion are those of `client::async_get_access_token`.
[[nodiscard]] inline boost::asio::awaitable<result<access_token>> async_get_access_token(
    boost::asio::any_io_executor executor, client_config const& config,
    token_request request = token_request())
{
    return detail::get_access_token(
        detail::make_one_shot_core(std::move(executor), config), std::move(request));
}

/// The same with any completion token; signature `void(coauth::result<coauth::access_token>)`.
template <boost::asio::completion_token_for<access_token_completion_signature> CompletionToken>
auto async_get_access_token(
    boost::asio::any_io_executor executor, client_config const& config, token_request request,
    CompletionToken&& token)
{
    return boost::asio::async_initiate<CompletionToken, access_token_completion_signature>(
        detail::initiate_get_access_token(detail::make_one_shot_core(std::move(executor), config)),
        token, std::move(request));
}

} // namespace coauth

#endif
