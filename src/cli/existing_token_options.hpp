#ifndef COAUTH_SRC_CLI_EXISTING_TOKEN_OPTIONS_HPP
#define COAUTH_SRC_CLI_EXISTING_TOKEN_OPTIONS_HPP

#include "cli/client_options.hpp"
#include "cli/flags.hpp"

#include <string>
#include <string_view>

namespace coauth::cli
{

// The options of the commands for a token that the user already has.
struct existing_token_options
{
    client_options client;
    secret token;
    std::string type_hint;
    // Report a failure as JSON too.
    bool json = false;
    bool help = false;
};

// `command` is what the user typed, such as "coauth revoke".
[[nodiscard]] result<existing_token_options>
read_existing_token_options(arguments const& args, std::string_view command);

void print_existing_token_help(std::string_view command, std::string_view description);

} // namespace coauth::cli

#endif
