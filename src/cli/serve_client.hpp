#ifndef COAUTH_SRC_CLI_SERVE_CLIENT_HPP
#define COAUTH_SRC_CLI_SERVE_CLIENT_HPP

#include <coauth/testing/server_options.hpp>

#include "cli/flags.hpp"
#include "cli/serve_flags.hpp"

#include <string>

namespace coauth::cli
{

// 128 random bits as text. Good enough for a server that only this machine can reach.
[[nodiscard]] std::string generated_secret();

// Registers the client of the flags. Reads its secret, its keys and its certificates.
[[nodiscard]] result<void>
set_registered_client(serve_flags const& flags, testing::server_options& server);

// Trusts the issuer of --assertion-issuer, if there is one.
[[nodiscard]] result<void>
set_assertion_issuer(serve_flags const& flags, testing::server_options& server);

} // namespace coauth::cli

#endif
