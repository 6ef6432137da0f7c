#ifndef COAUTH_SRC_CLI_CLIENT_OPTIONS_HPP
#define COAUTH_SRC_CLI_CLIENT_OPTIONS_HPP

#include <coauth/client_config.hpp>
#include <coauth/discover.hpp>

#include <string>
#include <vector>

namespace boost::program_options
{
class options_description;
}

namespace coauth::cli
{

// The flags that say which server, and who asks, as they were typed.
struct client_flags
{
    std::string provider;
    std::string host;
    std::string issuer;
    std::string token_endpoint;
    std::string introspection_endpoint;
    std::string revocation_endpoint;
    std::string ca_file;
    bool http_loopback = false;

    std::string client_id;
    std::string secret_from_file;
    std::string auth;
    std::string key_file;
    std::string algorithm;
    std::string key_id;
    std::string audience_source;
    std::string assertion_certificate_file;
    std::string assertion_file;
    std::string certificate_file;
    std::string certificate_key_file;
    std::string dpop_file;
    std::string dpop_algorithm;

    std::string timeout;
    std::string user_agent;
    bool verbose = false;
    bool help = false;
};

void add_server_flags(boost::program_options::options_description& to, client_flags& into);
// Of endpoints beside the token endpoint.
void add_endpoint_flags(boost::program_options::options_description& to, client_flags& into);
void add_trust_flags(boost::program_options::options_description& to, client_flags& into);
void add_client_flags(boost::program_options::options_description& to, client_flags& into);
// Of commands that run a client.
void add_verbose_flag(boost::program_options::options_description& to, client_flags& into);
void add_run_flags(boost::program_options::options_description& to, client_flags& into);

// Who asks whom.
struct client_options
{
    // Whole, unless there is an issuer.
    client_config config;
    // To be discovered first; empty: nothing is.
    std::string issuer;
    // The server's metadata decide how the client proves who it is.
    bool choose = false;
    std::string client_id;
    available_credentials credentials;
    // That binds tokens, until the server is known; empty: none does, or `config` has it.
    signing_key dpop_key;
    // Where it has to be known: a server may take other methods there.
    std::vector<std::string> authorization_server::* methods =
        &authorization_server::authentication_methods;
    bool verbose = false;
};

// Reads secret and environment. No socket is opened, and no file but the secret's is read.
[[nodiscard]] result<client_options> read_client_options(client_flags const& flags);
// The same where nothing but metadata is asked for.
[[nodiscard]] result<client_options> read_discovery_options(client_flags const& flags);

[[nodiscard]] discovery_options discovery_of(client_config const& config);

// Takes what was discovered into the configuration.
[[nodiscard]] result<void> take_server(client_options& into, authorization_server found);

} // namespace coauth::cli

#endif
