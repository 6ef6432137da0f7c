#ifndef COAUTH_DISCOVER_HPP
#define COAUTH_DISCOVER_HPP

#include <coauth/authorization_server.hpp>
#include <coauth/client_config.hpp>
#include <coauth/detail/executor_bound_handler.hpp>
#include <coauth/detail/text_argument.hpp>
#include <coauth/export.hpp>
#include <coauth/result.hpp>
#include <coauth/select_client_authentication.hpp>

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
#include <vector>

namespace coauth
{

/// Options of `async_discover`. A plain aggregate.
struct discovery_options
{
    /// Trusted CAs and the client's certificate.
    tls_options tls = {};
    /// The HTTP proxy.
    proxy_options proxy = {};
    /// Time limit, from the call to its completion. From 1 ms to 1 hour.
    std::chrono::milliseconds timeout{10'000};
    /// How long the process caches the metadata of an issuer. 0: they are not cached.
    std::chrono::seconds lifetime{3600};
    /// The issuer that the metadata must name, if it is not the one whose URL is used: for a server
    /// that this program reaches by another name, such as Keycloak behind a proxy. The result has
    /// this issuer. Empty: the issuer whose URL is used.
    std::string expected_issuer = {};
    /// Accept `http://` at a loopback address, for tests.
    bool allow_http_loopback = false;
    /// The User-Agent field. Empty: the field is not sent.
    std::string user_agent = "coauth/" COAUTH_VERSION_STRING;
    /// Called with each request and response as readable text, like `client_config::debug`.
    std::function<void(std::string_view)> debug = {};
    /// Further header fields of the requests, like `client_config::headers`.
    std::vector<std::pair<std::string, secret>> headers = {};
};

/// The completion signature of `async_discover`.
using discovery_completion_signature = void(result<authorization_server>);

namespace detail
{

COAUTH_DECL void start_discover(
    boost::asio::any_io_executor const& executor, std::string const& issuer,
    discovery_options const& options,
    boost::asio::any_completion_handler<discovery_completion_signature> handler);

class initiate_discover
{
public:
    explicit initiate_discover(boost::asio::any_io_executor executor)
        : executor_(std::move(executor))
    {
    }

    using executor_type = boost::asio::any_io_executor;
    [[nodiscard]] executor_type get_executor() const noexcept { return executor_; }

    template <class Handler>
    void
    operator()(Handler&& handler, std::string const& issuer, discovery_options const& options) const
    {
        start_discover(
            executor_, issuer, options,
            executor_bound_handler<std::decay_t<Handler>>(
                std::forward<Handler>(handler), executor_));
    }

private:
    boost::asio::any_io_executor executor_;
};

} // namespace detail

/// Fetches the metadata of an authorization server: its endpoints and what it supports.
///
/// \code
/// auto server = co_await coauth::async_discover(executor, issuer);
/// if (!server)
///     co_return;
/// coauth::client_config config;
/// config.server = *server;
/// \endcode
///
/// Tries the metadata of RFC 8414 (`/.well-known/oauth-authorization-server` before the issuer's
/// path); if there are no usable ones, or that URL fails, throttles or is silent, those of OpenID
/// Connect (`/.well-known/openid-configuration` after the path); and finally those of RFC 8414
/// after the path. A silent URL gets its share of the time limit, at most 3 s. After a transient
/// failure all are tried again, up to 3 times, with the delays of `retry_options`. The metadata
/// must name exactly this issuer (or `discovery_options::expected_issuer`) and an https token
/// endpoint. Any other endpoint that is not https is left out.
///
/// Calls with the same issuer and equal options on the same execution context at the same time
/// share one discovery. Each can be cancelled alone and has its own time limit. A call with a
/// function in its options (`debug`, a pass-phrase) is not shared.
///
/// \param executor Runs the connection.
/// \param issuer The issuer identifier: an https URL without query and fragment.
/// \param options Copied.
/// \return An awaitable, to be awaited once.
///
/// \par Cancellation
/// Terminal, partial and total: each ends the operation promptly with `errc::cancelled`.
///
/// \par Errors
/// Any `errc`; `errc::malformed_response` for unusable metadata.
[[nodiscard]] COAUTH_DECL boost::asio::awaitable<result<authorization_server>> async_discover(
    boost::asio::any_io_executor executor, detail::text_argument issuer,
    discovery_options const& options);
/// The same with the default options.
[[nodiscard]] COAUTH_DECL boost::asio::awaitable<result<authorization_server>>
async_discover(boost::asio::any_io_executor executor, detail::text_argument issuer);

///@{

/// The same with any completion token; signature
/// `void(coauth::result<coauth::authorization_server>)`.
template <boost::asio::completion_token_for<discovery_completion_signature> CompletionToken>
auto async_discover(
    boost::asio::any_io_executor executor, detail::text_argument issuer, discovery_options options,
    CompletionToken&& token)
{
    return boost::asio::async_initiate<CompletionToken, discovery_completion_signature>(
        detail::initiate_discover(std::move(executor)), token, std::string(std::move(issuer)),
        std::move(options));
}
template <boost::asio::completion_token_for<discovery_completion_signature> CompletionToken>
auto async_discover(
    boost::asio::any_io_executor executor, detail::text_argument issuer, CompletionToken&& token)
{
    return async_discover(
        std::move(executor), std::move(issuer), discovery_options(),
        std::forward<CompletionToken>(token));
}
///@}

} // namespace coauth

#endif
