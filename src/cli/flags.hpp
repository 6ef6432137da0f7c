#ifndef COAUTH_SRC_CLI_FLAGS_HPP
#define COAUTH_SRC_CLI_FLAGS_HPP

#include <coauth/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace boost::program_options
{
class options_description;
}

namespace coauth::cli
{

using arguments = std::vector<std::string>;

// An error in the command line. The message says what to do.
[[nodiscard]] error usage_error(std::string message);

// Reads `args` into the variables that `known` is bound to. Messages contain no value of an
// argument: it may be a secret in the wrong place. An empty value is an error for every flag.
//
// `command` is what the user typed, such as "coauth token".
[[nodiscard]] result<void> read_flags(
    arguments const& args, boost::program_options::options_description const& known,
    std::string_view command);

// Whether the flags select JSON output. Works also if other flags are invalid.
[[nodiscard]] bool selects_json(arguments const& args);

} // namespace coauth::cli

#endif
