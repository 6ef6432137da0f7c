#ifndef COAUTH_SRC_CLIENT_PREPARED_CONFIG_HPP
#define COAUTH_SRC_CLIENT_PREPARED_CONFIG_HPP

#include <coauth/client_config.hpp>

#include "client/config_files.hpp"
#include "net/connection.hpp"
#include "protocol/endpoint_url.hpp"

#include <memory>

namespace coauth::detail
{

// What a client reads and parses before its first request.
struct prepared_config
{
    std::shared_ptr<config_files const> files;
    protocol::endpoint token_endpoint;
    // Also if the token endpoint has no TLS: the others may have it.
    std::shared_ptr<net::tls_source> tls;
    net::target token_target;
};

// Validates the configuration, but for what is in files, which may become usable later. Reads files
// and the environment; opens no socket.
result<prepared_config> prepare_config(client_config const& config);

} // namespace coauth::detail

#endif
