#ifndef COAUTH_SRC_CLI_TOKEN_OPTIONS_HPP
#define COAUTH_SRC_CLI_TOKEN_OPTIONS_HPP

#include <coauth/token_request.hpp>

#include "cli/client_options.hpp"
#include "cli/flags.hpp"
#include "cli/store_options.hpp"

#include <iosfwd>
#include <optional>

namespace coauth::cli
{

enum class output_format
{
    summary,
    token,
    header,
    json,
};

// The options of `coauth token`.
struct token_options
{
    client_options client;
    token_request request;
    // None: the token is not shared.
    std::optional<store_options> store;
    output_format output = output_format::summary;
    // Show the content of a JSON Web Token.
    bool decode = false;
    bool help = false;
};

// Reads flags, secret and environment. Opens no socket, and no other file than the secret's.
[[nodiscard]] result<token_options> read_token_options(arguments const& args);

void print_token_help(std::ostream& out);

} // namespace coauth::cli

#endif
