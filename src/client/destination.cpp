#include "client/destination.hpp"

#include "net/resolver.hpp"
#include "protocol/proxy.hpp"

#include <algorithm>
#include <utility>

namespace coauth::detail
{
namespace
{

bool is_same_origin(protocol::endpoint const& a, protocol::endpoint const& b)
{
    return a.tls == b.tls && a.host == b.host && a.port == b.port;
}

} // namespace

result<net::target> make_target(
    protocol::endpoint const& endpoint, client_config const& config,
    std::shared_ptr<net::tls_source> const& tls)
{
    net::target target;
    auto proxy = protocol::find_proxy(
        config.proxy, endpoint, protocol::process_environment, config.user_agent);
    if (!proxy)
        return proxy.error();
    if (*proxy)
    {
        target.proxy_host = std::move((*proxy)->host);
        target.proxy_port = (*proxy)->port;
        target.tunnel_request = std::move((*proxy)->request);
        target.proxy_ip_literal = (*proxy)->ip_literal;
        target.proxy_tls = (*proxy)->tls ? tls : nullptr;
    }
    if (endpoint.tls)
        target.tls = tls;
    target.host = endpoint.host;
    target.port = static_cast<std::uint16_t>(std::stoul(endpoint.port));
    target.ip_literal = endpoint.ip_literal;
    target.limits = config.limits;
    target.all_headers = config.keep_headers || config.debug;
    target.connection_attempt_delay = config.connections.connection_attempt_delay;
    return target;
}

destinations::destinations(
    client_config const& config, prepared_config prepared,
    boost::asio::any_io_executor const& executor)
    : executor_(executor)
    , tls_(std::move(prepared.tls))
{
    auto& endpoint = prepared.token_endpoint;
    auto const& shared = add_origin(
        config, protocol::endpoint_kind::token, endpoint, std::move(prepared.token_target));
    by_endpoint_.emplace_back(destination{
        protocol::endpoint_url_for(config, protocol::endpoint_kind::token), std::move(endpoint),
        shared.target, shared.pool});
    for (auto const which :
         {protocol::endpoint_kind::introspection, protocol::endpoint_kind::revocation})
        by_endpoint_.push_back(make(config, which));
}

result<destination> destinations::make(client_config const& config, protocol::endpoint_kind which)
{
    auto endpoint = protocol::make_endpoint_for(config, which);
    if (!endpoint)
        return endpoint.error();
    auto const* shared = find_origin(*endpoint);
    if (shared == nullptr)
    {
        auto target = make_target(*endpoint, config, tls_);
        if (!target)
            return target.error();
        shared = &add_origin(config, which, *endpoint, std::move(*target));
    }
    return destination{
        protocol::endpoint_url_for(config, which), std::move(*endpoint), shared->target,
        shared->pool};
}

destinations::origin const* destinations::find_origin(protocol::endpoint const& endpoint) const
{
    auto const found = std::find_if(
        origins_.begin(), origins_.end(),
        [&](origin const& one) { return is_same_origin(one.endpoint, endpoint); });
    return found == origins_.end() ? nullptr : &*found;
}

destinations::origin const& destinations::add_origin(
    client_config const& config, protocol::endpoint_kind kind, protocol::endpoint const& endpoint,
    net::target target)
{
    std::string_view const url = protocol::endpoint_url_for(config, kind);
    auto const origin_url = protocol::origin_of(url);
    target.lookups = std::make_shared<net::resolver>(executor_, config.connections);
    return origins_.emplace_back(origin{
        endpoint, std::make_shared<net::target const>(std::move(target)),
        std::make_shared<connection_pool>(config, origin_url, executor_)});
}

result<destination const*> destinations::find(protocol::endpoint_kind endpoint) const
{
    auto const& found = by_endpoint_[static_cast<std::size_t>(endpoint)];
    if (!found)
        return found.error();
    return &*found;
}

void destinations::context_gone() noexcept
{
    for (auto const& one : origins_)
    {
        one.pool->context_gone();
        one.target->lookups->on_context_shutdown();
    }
}

} // namespace coauth::detail
