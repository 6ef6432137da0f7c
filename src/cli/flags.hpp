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

// A fault of the command line; the sentence says what to do.
[[nodiscard]] error usage_error(std::string sentence);

// Reads `args` into the variables that `known` is bound to. No value of an argument gets into a
// message: it may be a secret in the wrong place. An empty value is a fault, whatever the flag.
//
// `command` is what the user typed, as in "coauth token".
[[nodiscard]] result<void> read_flags(
    arguments const& args, boost::program_options::options_description const& known,
    std::string_view command);

} // namespace coauth::cli

#endif
