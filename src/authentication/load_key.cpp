#include "authentication/load_key.hpp"

namespace coauth::detail
{

result<std::shared_ptr<protocol::assertion_key const>>
load_key(client_config const& config, std::chrono::system_clock::time_point now)
{
    using protocol::assertion_key;
    if (config.authentication.type() != authentication_method::private_key_jwt)
        return std::shared_ptr<assertion_key const>();
    return assertion_key::load(config.authentication.key(), "authentication: the signing key", now);
}

} // namespace coauth::detail
