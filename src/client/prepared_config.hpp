#ifndef COAUTH_SRC_CLIENT_PREPARED_CONFIG_HPP
#define COAUTH_SRC_CLIENT_PREPARED_CONFIG_HPP

#include <coauth/client_config.hpp>

#include "crypto/key_source.hpp"
#include "net/connection.hpp"
#include "protocol/endpoint_url.hpp"

#include <memory>

namespace coauth::detail
{

// What a client reads and parses before its first request.
struct prepared_config
{
    // Signs client assertions; null: none.
    std::shared_ptr<crypto::key_source> key;
    protocol::endpoint token_endpoint;
    net::target token_target;
};

// Validates the configuration. Reads files and the environment; opens no socket.
result<prepared_config> prepare_config(client_config const& config);

} // namespace coauth::detail

#endif
