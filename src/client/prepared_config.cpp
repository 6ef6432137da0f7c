#include "client/prepared_config.hpp"

#include "authentication/client_assertion.hpp"
#include "client/destination.hpp"
#include "protocol/config_validation.hpp"

#include <utility>

namespace coauth
{
namespace detail
{

result<prepared_config> prepare_config(client_config const& config)
{
    auto endpoint = protocol::check_config(config);
    if (!endpoint)
        return endpoint.error();
    auto const tls = std::make_shared<net::tls_source>(config.tls);
    auto target = make_target(*endpoint, config, tls);
    if (!target)
        return target.error();
    config_files const files{
        load_key(config), config.dpop, config.server.dpop_algorithms,
        endpoint->tls ? tls : nullptr};
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
