#ifndef COAUTH_SRC_CLI_SERVE_OPTIONS_HPP
#define COAUTH_SRC_CLI_SERVE_OPTIONS_HPP

#include <coauth/testing/authorization_server.hpp>

#include "cli/flags.hpp"

#include <iosfwd>

namespace coauth::cli
{

enum class serve_form
{
    summary,
    // Assignments for a shell to read.
    env,
};

// What `coauth serve` was asked to do.
struct serve_options
{
    testing::server_options server;
    // The secret is the user's own: not to be shown.
    bool own_secret = false;
    // The file that it is in; empty: none.
    std::string secret_from_file;
    serve_form output = serve_form::summary;
    bool help = false;
};

[[nodiscard]] result<serve_options> read_serve_options(arguments const& args);

void print_serve_help(std::ostream& out);

} // namespace coauth::cli

#endif
