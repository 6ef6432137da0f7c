#ifndef COAUTH_SRC_CLI_DECODE_HPP
#define COAUTH_SRC_CLI_DECODE_HPP

#include "cli/terminal.hpp"

#include <string>
#include <string_view>

namespace coauth::cli
{

// For people: header and claims of a JSON Web Token, as they are; or that it is none.
[[nodiscard]] std::string decoded_token(std::string_view token, terminal const& where);

} // namespace coauth::cli

#endif
