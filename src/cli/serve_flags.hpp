#ifndef COAUTH_SRC_CLI_SERVE_FLAGS_HPP
#define COAUTH_SRC_CLI_SERVE_FLAGS_HPP

#include <boost/program_options/options_description.hpp>

#include <string>
#include <vector>

namespace coauth::cli
{

// The values of the flags of `coauth serve`, as they were typed.
struct serve_flags
{
    std::string port;
    std::string flavor;
    std::string scope;
    std::vector<std::string> grants;
    std::string assertion_issuer;
    std::vector<std::string> assertion_key_files;
    std::string lifetime;
    std::string dpop;
    bool dpop_nonce = false;
    bool http = false;

    std::string client_id;
    std::string secret_file;
    std::vector<std::string> key_files;
    std::string certificate_file;
    std::string client_ca_file;
    std::string certificate_subject;
    bool mtls_alias = false;
    bool is_public = false;

    std::string output;
    bool help = false;
};

[[nodiscard]] boost::program_options::options_description describe_serve_flags(serve_flags& flags);

} // namespace coauth::cli

#endif
