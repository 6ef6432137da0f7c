#include <coauth/discover_resource.hpp>

#include "client/resource_discovery.hpp"

#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace coauth
{
namespace asio = boost::asio;

namespace detail
{

void start_discover_resource(
    asio::any_io_executor const& executor, std::string const& url,
    resource_discovery_options const& options, resource_discovery::handler_type handler)
{
    auto const started =
        std::make_shared<resource_discovery>(executor, options, std::move(handler));
    started->start(url);
}

namespace
{

asio::awaitable<result<protected_resource>> discover_resource(
    asio::any_io_executor executor, std::string url, resource_discovery_options options)
{
    initiate_discover_resource const begin(std::move(executor));
    auto outcome = co_await asio::async_initiate<
        asio::use_awaitable_t<> const, resource_discovery_completion_signature>(
        begin, asio::use_awaitable, std::move(url), std::move(options));
    co_return outcome;
}

} // namespace

} // namespace detail

asio::awaitable<result<protected_resource>> async_discover_resource(
    asio::any_io_executor executor, detail::text_argument url,
    resource_discovery_options const& options)
{
    return detail::discover_resource(std::move(executor), std::move(url), options);
}

asio::awaitable<result<protected_resource>>
async_discover_resource(asio::any_io_executor executor, detail::text_argument url)
{
    return detail::discover_resource(
        std::move(executor), std::move(url), resource_discovery_options());
}

} // namespace coauth
