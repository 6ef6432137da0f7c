#ifndef COAUTH_DISCOVER_HPP
#define COAUTH_DISCOVER_HPP

#include <coauth/authorization_server.hpp>
#include <coauth/choose_authentication.hpp>
#include <coauth/client_config.hpp>
#include <coauth/detail/delivery.hpp>
#include <coauth/detail/given_text.hpp>
#include <coauth/export.hpp>
#include <coauth/result.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace coauth
{

/// How metadata are fetched. A plain aggregate.
struct discovery_options
{
    tls_options tls = {};
    proxy_options proxy = {};
    /// From the call to its completion. At least 1 ms; at most 1 hour.
    std::chrono::milliseconds timeout{10'000};
    /// For so long what was found is kept for the process, and found again without asking. 0: it is
    /// asked for each time.
    std::chrono::seconds lifetime{3600};
    /// Accept `http://` at a loopback address, for tests.
    bool allow_http_loopback = false;
    std::string user_agent = "coauth/" COAUTH_VERSION_STRING;
    /// Gets each request and answer as readable text, as `client_config::debug` does.
    std::function<void(std::string_view)> debug = {};
};

/// The completion signature of `async_discover`.
using discovery_signature = void(result<authorization_server>);

namespace detail
{

COAUTH_DECL void start_discover(
    boost::asio::any_io_executor const& executor, std::string issuer, discovery_options options,
    boost::asio::any_completion_handler<discovery_signature> handler);

class initiate_discover
{
public:
    explicit initiate_discover(boost::asio::any_io_executor executor)
        : executor_(std::move(executor))
    {
    }

    template <class Handler>
    void operator()(Handler&& handler, std::string issuer, discovery_options options) const
    {
        start_discover(
            executor_, std::move(issuer), std::move(options),
            delivery<std::decay_t<Handler>>(std::forward<Handler>(handler), executor_));
    }

private:
    boost::asio::any_io_executor executor_;
};

} // namespace detail

/// Finds out what an authorization server is, from its issuer identifier alone.
///
/// \code
/// auto server = co_await coauth::async_discover(executor, issuer);
/// if (!server)
///     co_return;
/// coauth::client_config config;
/// config.server = *server;
/// \endcode
///
/// Asks for the metadata of RFC 8414 (`/.well-known/oauth-authorization-server` before the issuer's
/// path); where there are none that can be used, for those of OpenID Connect
/// (`/.well-known/openid-configuration` after it), and at last for those of RFC 8414 after it. They
/// are refused unless they name exactly this issuer and a token endpoint that is https; another
/// endpoint that is not is left out.
///
/// \param issuer An https URL without query and fragment.
/// \return An awaitable to be awaited once.
/// \par Cancellation Terminal, partial and total: all end it promptly with `errc::cancelled`.
/// \par Errors Any `errc`; `errc::malformed_answer` for metadata that cannot be used.
[[nodiscard]] COAUTH_DECL boost::asio::awaitable<result<authorization_server>> async_discover(
    boost::asio::any_io_executor executor, detail::given_text issuer,
    discovery_options const& options);
[[nodiscard]] COAUTH_DECL boost::asio::awaitable<result<authorization_server>>
async_discover(boost::asio::any_io_executor executor, detail::given_text issuer);

/// The same for any completion token; signature `void(coauth::result<authorization_server>)`.
template <boost::asio::completion_token_for<discovery_signature> CompletionToken>
auto async_discover(
    boost::asio::any_io_executor executor, detail::given_text issuer, discovery_options options,
    CompletionToken&& token)
{
    return boost::asio::async_initiate<CompletionToken, discovery_signature>(
        detail::initiate_discover(std::move(executor)), token, std::string(std::move(issuer)),
        std::move(options));
}
template <boost::asio::completion_token_for<discovery_signature> CompletionToken>
auto async_discover(
    boost::asio::any_io_executor executor, detail::given_text issuer, CompletionToken&& token)
{
    return async_discover(
        std::move(executor), std::move(issuer), discovery_options(),
        std::forward<CompletionToken>(token));
}

} // namespace coauth

#endif
