#ifndef COAUTH_SRC_CLI_READ_SECRET_HPP
#define COAUTH_SRC_CLI_READ_SECRET_HPP

#include <coauth/result.hpp>
#include <coauth/secret.hpp>

#include <string>

namespace coauth::cli
{

// A secret, and the flag and the variable that name its source.
struct secret_source
{
    // For messages: "client secret".
    char const* name;
    // The flag for the file that contains it.
    char const* file_flag;
    // The environment variable.
    char const* variable;
};

inline constexpr secret_source client_secret_source{
    "client secret", "--client-secret-file", "COAUTH_CLIENT_SECRET"};
inline constexpr secret_source existing_token_source{"token", "--token-file", "COAUTH_TOKEN"};

// Reads the secret from `file`; from standard input if that is "-" (without echo at a terminal); or
// from the environment if it is empty. One newline at the end is removed.
[[nodiscard]] result<secret> read_secret(secret_source const& source, std::string const& file);

} // namespace coauth::cli

#endif
