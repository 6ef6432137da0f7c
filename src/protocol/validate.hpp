#ifndef COAUTH_SRC_PROTOCOL_VALIDATE_HPP
#define COAUTH_SRC_PROTOCOL_VALIDATE_HPP

#include <coauth/client_config.hpp>

#include "protocol/endpoint.hpp"

namespace coauth::protocol
{

// Every rule that needs no file and no network. Yields the token endpoint, taken apart.
result<endpoint> check_config(client_config const& config);

} // namespace coauth::protocol

#endif
