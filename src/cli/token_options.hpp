#ifndef COAUTH_SRC_CLI_TOKEN_OPTIONS_HPP
#define COAUTH_SRC_CLI_TOKEN_OPTIONS_HPP

#include <coauth/token_request.hpp>

#include "cli/client_options.hpp"
#include "cli/flags.hpp"

#include <iosfwd>

namespace coauth::cli
{

enum class output_form
{
    summary,
    token,
    header,
    json,
};

// What `coauth token` was asked to do.
struct token_options
{
    client_options client;
    token_request request;
    output_form output = output_form::summary;
    // Show what a JSON Web Token says.
    bool decode = false;
    bool help = false;
};

// Reads flags, secret and environment. No socket is opened, and no file but the secret's is read.
[[nodiscard]] result<token_options> read_token_options(arguments const& args);

// True when the flags ask for JSON, however faulty they are otherwise.
[[nodiscard]] bool asks_for_json(arguments const& args);

void print_token_help(std::ostream& out);

} // namespace coauth::cli

#endif
