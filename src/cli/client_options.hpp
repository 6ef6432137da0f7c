#ifndef COAUTH_SRC_CLI_CLIENT_OPTIONS_HPP
#define COAUTH_SRC_CLI_CLIENT_OPTIONS_HPP

#include <coauth/client_config.hpp>
#include <coauth/discover.hpp>
#include <coauth/select_client_authentication.hpp>

#include "cli/client_flags.hpp"

#include <string>
#include <vector>

namespace coauth::cli
{

// The configuration of the client, and what is needed to complete it after discovery.
struct client_options
{
    // Complete if `issuer` is empty.
    client_config config;
    // The issuer to discover first. Empty: none.
    std::string issuer;
    // Select the method of client authentication by the server's metadata.
    bool selects_method = false;
    std::string client_id;
    available_credentials credentials;
    // The DPoP key, until the server is known. Empty: there is none.
    signing_key dpop_key;
    // The methods that the server supports at the endpoint of the command.
    std::vector<std::string> authorization_server::* methods =
        &authorization_server::authentication_methods;
    bool verbose = false;
};

// Reads the client secret and the environment. Opens no socket, and no other file than the
// secret's.
[[nodiscard]] result<client_options> read_client_options(client_flags const& flags);
// The same for a command that needs no credentials.
[[nodiscard]] result<client_options> read_discovery_options(client_flags const& flags);

[[nodiscard]] discovery_options to_discovery_options(client_config const& config);

// Completes the configuration with the discovered server.
[[nodiscard]] result<void> set_server(client_options& options, authorization_server discovered);

} // namespace coauth::cli

#endif
