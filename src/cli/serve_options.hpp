#ifndef COAUTH_SRC_CLI_SERVE_OPTIONS_HPP
#define COAUTH_SRC_CLI_SERVE_OPTIONS_HPP

#include <coauth/testing/authorization_server.hpp>

#include "cli/flags.hpp"

#include <iosfwd>

namespace coauth::cli
{

enum class serve_format
{
    summary,
    // Assignments in shell syntax.
    env,
};

// The options of `coauth serve`.
struct serve_options
{
    testing::server_options server;
    // The user supplied the client secret, so it is not printed.
    bool has_own_secret = false;
    // The file with the client secret. Empty: none.
    std::string secret_file;
    serve_format output = serve_format::summary;
    bool help = false;
};

[[nodiscard]] result<serve_options> read_serve_options(arguments const& args);

void print_serve_help(std::ostream& out);

} // namespace coauth::cli

#endif
