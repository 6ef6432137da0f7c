#include <coauth/discover.hpp>

#include "client/discovery.hpp"
#include "values/make_error.hpp"

#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace coauth
{
namespace asio = boost::asio;

namespace detail
{
namespace
{

asio::awaitable<metadata_result>
discover(asio::any_io_executor executor, std::string issuer, discovery_options options)
{
    initiate_discover const begin(std::move(executor));
    auto response = co_await asio::async_initiate<
        asio::use_awaitable_t<> const, discovery_completion_signature>(
        begin, asio::use_awaitable, std::move(issuer), std::move(options));
    co_return response;
}

} // namespace

void start_discovery(
    asio::any_io_executor const& executor, std::string const& issuer,
    discovery_options const& options, cache_use cache, void const* owner,
    discovery_call::handler_type handler)
{
    auto const call =
        std::make_shared<discovery_call>(executor, options.timeout, std::move(handler));
    if (options.lifetime.count() < 0)
        return call->post_completion(config_error(
            "lifetime is " + std::to_string(options.lifetime.count()) +
            " s; it must not be negative"));
    auto urls = well_known_urls(issuer, options.allow_http_loopback);
    if (!urls)
        return call->post_completion(urls.error());
    shared_discoveries().start(call, issuer, options, std::move(*urls), cache, owner);
}

void start_discover(
    asio::any_io_executor const& executor, std::string const& issuer,
    discovery_options const& options,
    asio::any_completion_handler<discovery_completion_signature> handler)
{
    start_discovery(executor, issuer, options, cache_use::find, nullptr, std::move(handler));
}

} // namespace detail

asio::awaitable<result<authorization_server>> async_discover(
    asio::any_io_executor executor, detail::text_argument issuer, discovery_options const& options)
{
    return detail::discover(std::move(executor), std::move(issuer), options);
}

asio::awaitable<result<authorization_server>>
async_discover(asio::any_io_executor executor, detail::text_argument issuer)
{
    return detail::discover(std::move(executor), std::move(issuer), discovery_options());
}

} // namespace coauth
