#ifndef COAUTH_DISCOVER_RESOURCE_HPP
#define COAUTH_DISCOVER_RESOURCE_HPP

#include <coauth/authorization_server.hpp>
#include <coauth/detail/executor_bound_handler.hpp>
#include <coauth/detail/text_argument.hpp>
#include <coauth/discover.hpp>
#include <coauth/export.hpp>
#include <coauth/result.hpp>
#include <coauth/token_request.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace coauth
{

/// An API and the authorization server that issues tokens for it: the API's metadata (RFC 9728
/// section 2) and those of the server.
struct protected_resource
{
    /// The resource identifier of the API, as its metadata name it.
    std::string resource;
    /// The API's name for people. Untrusted.
    std::string name = {};
    /// The issuers of the authorization servers whose tokens the API accepts, at most 16.
    std::vector<std::string> authorization_servers = {};
    /// The metadata of the first of those whose metadata could be fetched. For
    /// `client_config::server`.
    authorization_server server = {};
    /// The scope that the API's challenge demands. Empty: it demands none.
    std::string challenge_scope = {};
    /// The scopes that the API knows. Empty: unknown.
    std::vector<std::string> scopes = {};
    /// How the API accepts Bearer tokens: "header", "body", "query". Empty: unknown.
    std::vector<std::string> bearer_methods = {};
    /// The algorithms of DPoP proofs that the API accepts. Empty: unknown.
    std::vector<std::string> dpop_algorithms = {};
    /// True if the API accepts only tokens that are bound by DPoP.
    bool dpop_bound_tokens = false;
    /// True if the API accepts tokens that are bound to a client certificate (RFC 8705 section 3).
    bool certificate_bound_tokens = false;

    /// The request for a token for this API: with `resource` (RFC 8707) and `challenge_scope`.
    [[nodiscard]] token_request request() const
    {
        return token_request().scope(challenge_scope).resource(resource);
    }
};

/// Options of `async_discover_resource`. A plain aggregate.
struct resource_discovery_options
{
    /// The WWW-Authenticate field of the API's response with status 401. If it names the URL of the
    /// API's metadata (`resource_metadata`), they are fetched from there. Empty, or without that
    /// parameter: from the well-known URL.
    std::string www_authenticate = {};
    /// The resource that the metadata must name, if it is not the URL that is called: for an API
    /// with many URLs that the program knows by one identifier. Empty: the URL.
    std::string expected_resource = {};
    /// The issuers for which the program has credentials: only these are used. Without them the API
    /// chooses who gets the client's credentials, so give them unless the credentials are made for
    /// the server that is found. Empty: any issuer.
    std::vector<std::string> accepted_issuers = {};
    /// How the metadata are fetched, the API's as well as the server's. The time limit is that of
    /// the whole operation. Its header fields go to the API's own origin, and to the issuers in
    /// `accepted_issuers`.
    discovery_options discovery = {};
};

/// The completion signature of `async_discover_resource`.
using resource_discovery_completion_signature = void(result<protected_resource>);

namespace detail
{

COAUTH_DECL void start_discover_resource(
    boost::asio::any_io_executor const& executor, std::string const& url,
    resource_discovery_options const& options,
    boost::asio::any_completion_handler<resource_discovery_completion_signature> handler);

class initiate_discover_resource
{
public:
    explicit initiate_discover_resource(boost::asio::any_io_executor executor)
        : executor_(std::move(executor))
    {
    }

    using executor_type = boost::asio::any_io_executor;
    [[nodiscard]] executor_type get_executor() const noexcept { return executor_; }

    template <class Handler>
    void operator()(
        Handler&& handler, std::string const& url, resource_discovery_options const& options) const
    {
        start_discover_resource(
            executor_, url, options,
            executor_bound_handler<std::decay_t<Handler>>(
                std::forward<Handler>(handler), executor_));
    }

private:
    boost::asio::any_io_executor executor_;
};

} // namespace detail

/// Finds out who issues tokens for an API: fetches the API's metadata (RFC 9728), and then those of
/// its authorization server. A client of the Model Context Protocol needs it, which knows the URL
/// of a server alone.
///
/// \code
/// // The API at `url` responded with status 401 and this WWW-Authenticate field.
/// coauth::resource_discovery_options options;
/// options.www_authenticate = www_authenticate;
/// auto api = co_await coauth::async_discover_resource(executor, url, options);
/// if (!api)
///     co_return;
/// coauth::client_config config;
/// config.server = api->server;
/// config.authentication = coauth::client_authentication::client_secret_basic("my-server", secret);
/// coauth::client client(executor, config);
/// coauth::token_source tokens(client, api->request());
/// \endcode
///
/// Without a URL in the challenge, the metadata are those at
/// `/.well-known/oauth-protected-resource` before the path of `url`, or, if there are none, before
/// no path. Their `resource` must be that URL, or in the second case its origin (RFC 9728
/// section 3.3): otherwise an API could make the program send it a token for another one. Redirects
/// are not followed. The authorization servers are tried in the order of the metadata, at most
/// three.
///
/// The metadata of an authorization server are cached as by `async_discover`; those of an API are
/// not.
///
/// \param executor Runs the connections.
/// \param url The URL of the API that the program called or will call: https, without fragment.
/// \param options Copied.
/// \return An awaitable, to be awaited once.
///
/// \par Cancellation
/// Terminal, partial and total: each ends the operation promptly with `errc::cancelled`.
///
/// \par Errors
/// Any `errc`; `errc::malformed_response` for unusable metadata or another `resource`, and
/// `errc::invalid_configuration` if none of the servers is in `accepted_issuers`.
[[nodiscard]] COAUTH_DECL boost::asio::awaitable<result<protected_resource>>
async_discover_resource(
    boost::asio::any_io_executor executor, detail::text_argument url,
    resource_discovery_options const& options);
/// The same with the default options.
[[nodiscard]] COAUTH_DECL boost::asio::awaitable<result<protected_resource>>
async_discover_resource(boost::asio::any_io_executor executor, detail::text_argument url);

///@{

/// The same with any completion token; signature
/// `void(coauth::result<coauth::protected_resource>)`.
template <
    boost::asio::completion_token_for<resource_discovery_completion_signature> CompletionToken>
auto async_discover_resource(
    boost::asio::any_io_executor executor, detail::text_argument url,
    resource_discovery_options options, CompletionToken&& token)
{
    return boost::asio::async_initiate<CompletionToken, resource_discovery_completion_signature>(
        detail::initiate_discover_resource(std::move(executor)), token, std::string(std::move(url)),
        std::move(options));
}
template <
    boost::asio::completion_token_for<resource_discovery_completion_signature> CompletionToken>
auto async_discover_resource(
    boost::asio::any_io_executor executor, detail::text_argument url, CompletionToken&& token)
{
    return async_discover_resource(
        std::move(executor), std::move(url), resource_discovery_options(),
        std::forward<CompletionToken>(token));
}
///@}

} // namespace coauth

#endif
