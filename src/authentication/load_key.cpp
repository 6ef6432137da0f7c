#include "authentication/load_key.hpp"

namespace coauth::detail
{

result<std::shared_ptr<protocol::private_key const>>
load_key(client_config const& config, std::chrono::system_clock::time_point now)
{
    using protocol::private_key;
    if (config.authentication.type() != authentication_method::private_key_jwt)
        return std::shared_ptr<private_key const>();
    return private_key::load(config.authentication.key(), "authentication: the signing key", now);
}

} // namespace coauth::detail
