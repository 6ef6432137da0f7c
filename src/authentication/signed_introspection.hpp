#ifndef COAUTH_SRC_AUTHENTICATION_SIGNED_INTROSPECTION_HPP
#define COAUTH_SRC_AUTHENTICATION_SIGNED_INTROSPECTION_HPP

#include <coauth/client_config.hpp>

#include "crypto/key_set.hpp"
#include "protocol/response_context.hpp"
#include "values/http_response.hpp"

#include <memory>

namespace coauth::detail
{

// The keys that verify signed responses to introspection. Null: they are not requested.
std::shared_ptr<crypto::key_set_source> load_introspection_keys(client_config const& config);

// The response with the statement inside a signed one (RFC 9701 section 5) as its body, after
// signature, type, issuer and audience have been verified. A response without the status of a
// success is returned as it is. A success that is not signed is an error: whoever could forge it
// could forge the statement.
result<http_response> verify_introspection_response(
    client_config const& config, crypto::key_set_source& keys, http_response response,
    protocol::response_context const& context);

} // namespace coauth::detail

#endif
