#ifndef COAUTH_SRC_CLI_AUTHENTICATION_OPTIONS_HPP
#define COAUTH_SRC_CLI_AUTHENTICATION_OPTIONS_HPP

#include <coauth/select_client_authentication.hpp>

#include "cli/client_flags.hpp"

#include <optional>
#include <string>

namespace coauth::cli
{

// True if no flag names a server other than SMS.CX. Otherwise --provider and --host select SMS.CX's
// way of authentication at that server.
[[nodiscard]] bool is_smscx(client_flags const& flags);

// The method of --auth, or the one that fits the other flags. None: the server's metadata decide.
[[nodiscard]] result<std::optional<authentication_method>>
read_authentication_method(client_flags const& flags);

// Whether the client secret has to be read.
[[nodiscard]] bool
needs_secret(client_flags const& flags, std::optional<authentication_method> method);

// Fails if a flag would have no effect with this method: the user expects something else.
[[nodiscard]] result<void>
check_combination(client_flags const& flags, std::optional<authentication_method> method);

// The client id of the flags or the environment. Empty if the method does not need one.
[[nodiscard]] result<std::string>
read_client_id(client_flags const& flags, std::optional<authentication_method> method);

// The credentials of the flags, without the secret.
[[nodiscard]] result<available_credentials> read_credentials(client_flags const& flags);

// Empty: there is no --dpop.
[[nodiscard]] result<signing_key> read_dpop_key(client_flags const& flags);

// The pass-phrase of private keys, from the environment.
[[nodiscard]] secret_provider key_passphrase();

[[nodiscard]] result<client_authentication> make_authentication(
    client_flags const& flags, authentication_method method, std::string client_id,
    available_credentials const& credentials);

} // namespace coauth::cli

#endif
