#ifndef COAUTH_SRC_CLI_SECRET_INPUT_HPP
#define COAUTH_SRC_CLI_SECRET_INPUT_HPP

#include <coauth/result.hpp>
#include <coauth/secret.hpp>

#include <string>

namespace coauth::cli
{

// Which secret is read, and where it may come from.
struct secret_source
{
    // As in "client secret".
    char const* what;
    // The flag that names the file, and the environment variable.
    char const* flag;
    char const* variable;
};

inline constexpr secret_source client_secret_place{
    "client secret", "--client-secret-file", "COAUTH_CLIENT_SECRET"};
inline constexpr secret_source token_place{"token", "--token-file", "COAUTH_TOKEN"};

// Reads it from `file`, from standard input when that is "-" (asked for without echo at a
// terminal), or from the environment when it is empty. One newline at its end is not part of it.
[[nodiscard]] result<secret> read_secret(secret_source const& which, std::string const& file);

} // namespace coauth::cli

#endif
