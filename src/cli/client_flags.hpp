#ifndef COAUTH_SRC_CLI_CLIENT_FLAGS_HPP
#define COAUTH_SRC_CLI_CLIENT_FLAGS_HPP

#include <string>
#include <vector>

namespace boost::program_options
{
class options_description;
}

namespace coauth::cli
{

// The values of the flags that select the server and the client's credentials, as they were typed.
struct client_flags
{
    std::string provider;
    std::string host;
    std::string issuer;
    std::string token_endpoint;
    std::string introspection_endpoint;
    std::string revocation_endpoint;
    std::string ca_file;
    std::vector<std::string> bearer_names;
    bool http_loopback = false;
    std::string proxy;

    std::string client_id;
    std::string client_secret_file;
    std::string auth;
    std::string key_file;
    std::string algorithm;
    std::string key_id;
    std::string assertion_audience;
    std::string assertion_certificate_file;
    std::string assertion_file;
    std::string certificate_file;
    std::string certificate_key_file;
    std::string dpop_file;
    std::string dpop_algorithm;

    std::string timeout;
    unsigned retries = 0;
    std::string user_agent;
    bool verbose = false;
    bool help = false;
};

// Each function adds flags to the description and binds them to members of `flags`.
void add_server_flags(boost::program_options::options_description& group, client_flags& flags);
void add_endpoint_flags(boost::program_options::options_description& group, client_flags& flags);
void add_token_type_flags(boost::program_options::options_description& group, client_flags& flags);
void add_connection_flags(boost::program_options::options_description& group, client_flags& flags);
void add_client_flags(boost::program_options::options_description& group, client_flags& flags);
void add_verbose_flag(boost::program_options::options_description& group, client_flags& flags);
void add_run_flags(boost::program_options::options_description& group, client_flags& flags);

} // namespace coauth::cli

#endif
