#include "client/prepared_config.hpp"

#include "authentication/client_assertion.hpp"
#include "client/destination.hpp"
#include "client/discovery.hpp"
#include "protocol/config_validation.hpp"
#include "values/make_error.hpp"

#include <utility>

namespace coauth
{
namespace detail
{

namespace
{

// The endpoints come later, so the issuer stands for the token endpoint.
result<prepared_config> prepare_without_endpoints(client_config const& config)
{
    if (!config.server.token_endpoint.empty())
        return config_error("issuer and server.token_endpoint are both set; set one");
    if (auto const urls = well_known_urls(config.issuer, config.allow_http_loopback); !urls)
        return urls.error();
    auto complete = config;
    if (complete.server.issuer.empty())
        complete.server.issuer = config.issuer;
    complete.server.token_endpoint = std::exchange(complete.issuer, std::string());
    complete.expected_issuer.clear();
    return prepare_config(complete);
}

} // namespace

result<prepared_config> prepare_config(client_config const& config)
{
    if (!config.issuer.empty())
        return prepare_without_endpoints(config);
    if (!config.expected_issuer.empty())
        return config_error("expected_issuer is set without issuer; set both, or neither");
    auto endpoint = protocol::check_config(config);
    if (!endpoint)
        return endpoint.error();
    auto const tls = std::make_shared<net::tls_source>(config.tls);
    auto target = make_target(*endpoint, config, tls);
    if (!target)
        return target.error();
    config_files const files{
        load_key(config), config.dpop, config.server.dpop_algorithms,
        target->any_tls() != nullptr ? tls : nullptr};
    return prepared_config{
        std::make_shared<config_files const>(files), std::move(*endpoint), tls, std::move(*target)};
}

} // namespace detail

result<void> validate(client_config const& config)
{
    auto const prepared = detail::prepare_config(config);
    return prepared ? prepared->files->check() : prepared.error();
}

} // namespace coauth
