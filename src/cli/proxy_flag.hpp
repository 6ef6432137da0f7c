#ifndef COAUTH_SRC_CLI_PROXY_FLAG_HPP
#define COAUTH_SRC_CLI_PROXY_FLAG_HPP

#include <coauth/client_config.hpp>

#include "cli/client_flags.hpp"

namespace coauth::cli
{

// The proxy of --proxy. Without that flag, the proxy of the environment, unless every server that
// the flags name is on this machine.
[[nodiscard]] result<proxy_options> read_proxy(client_flags const& flags);

} // namespace coauth::cli

#endif
