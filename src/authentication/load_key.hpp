#ifndef COAUTH_SRC_AUTHENTICATION_LOAD_KEY_HPP
#define COAUTH_SRC_AUTHENTICATION_LOAD_KEY_HPP

#include <coauth/client_config.hpp>

#include "crypto/private_key.hpp"

#include <chrono>
#include <memory>

namespace coauth::detail
{

// The key that signs client assertions; null: none does.
result<std::shared_ptr<protocol::private_key const>>
load_key(client_config const& config, std::chrono::system_clock::time_point now);

} // namespace coauth::detail

#endif
