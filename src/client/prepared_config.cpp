#include "client/prepared_config.hpp"

#include <coauth/dpop.hpp>

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
    auto key = load_key(config);
    if (!key)
        return key.error();
    if (config.dpop)
        if (auto const valid = config.dpop->validate(config.server.dpop_algorithms); !valid)
            return valid.error();
    auto target = make_target(*endpoint, config);
    if (!target)
        return target.error();
    return prepared_config{std::move(*key), std::move(*endpoint), std::move(*target)};
}

} // namespace detail

result<void> validate(client_config const& config)
{
    auto const prepared = detail::prepare_config(config);
    if (!prepared)
        return prepared.error();
    return {};
}

} // namespace coauth
