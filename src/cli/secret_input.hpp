#ifndef COAUTH_SRC_CLI_SECRET_INPUT_HPP
#define COAUTH_SRC_CLI_SECRET_INPUT_HPP

#include <coauth/result.hpp>
#include <coauth/secret.hpp>

#include <string>

namespace coauth::cli
{

// The environment variable that may hold the client secret.
inline constexpr char const* secret_variable = "COAUTH_CLIENT_SECRET";

// Reads a secret from `file`, from standard input when it is "-" (asked for without echo at a
// terminal), or from the environment when it is empty. One newline at its end is not part of it.
[[nodiscard]] result<secret> read_client_secret(std::string const& file);

} // namespace coauth::cli

#endif
