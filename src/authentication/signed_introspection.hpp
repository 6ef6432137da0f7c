#ifndef COAUTH_SRC_AUTHENTICATION_SIGNED_INTROSPECTION_HPP
#define COAUTH_SRC_AUTHENTICATION_SIGNED_INTROSPECTION_HPP

#include <coauth/client_config.hpp>

#include "crypto/key_set.hpp"
#include "protocol/response_context.hpp"
#include "values/http_response.hpp"

#include <memory>
#include <string_view>

namespace coauth::detail
{

using key_set_ptr = crypto::key_set_source::set_ptr;

// The client requests signed responses to introspection.
bool wants_signed_introspection(client_config const& config) noexcept;
// The keys of the configuration that verify them. Null: it has none.
std::shared_ptr<crypto::key_set_source> load_introspection_keys(client_config const& config);
// The keys that the server publishes at this URL.
result<key_set_ptr> read_key_set_response(
    client_config const& config, std::string_view url, http_response response,
    protocol::response_context const& context);

// The response with the statement inside a signed one (RFC 9701 section 5) as its body, after
// signature, type, issuer and audience have been verified. A response without the status of a
// success is returned as it is. A success that is not signed is an error: whoever could forge it
// could forge the statement. Sets `key_is_unknown` if other keys might verify the signature.
result<http_response> verify_introspection_response(
    client_config const& config, crypto::key_set const& keys, http_response response,
    protocol::response_context const& context, bool& key_is_unknown);

} // namespace coauth::detail

#endif
