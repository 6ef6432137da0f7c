#ifndef COAUTH_SRC_PROTOCOL_TOKEN_RESPONSE_HPP
#define COAUTH_SRC_PROTOCOL_TOKEN_RESPONSE_HPP

#include <coauth/access_token.hpp>
#include <coauth/client_config.hpp>
#include <coauth/introspection.hpp>
#include <coauth/token_request.hpp>

#include "protocol/response_context.hpp"
#include "values/http_response.hpp"

#include <string_view>

namespace coauth::protocol
{

// The token (RFC 6749 section 5.1), or the error (section 5.2, or as other servers write it).
result<access_token> read_token_response(
    client_config const& config, token_request const& request, http_response response,
    response_context const& context);

// The state of a token (RFC 7662 section 2.2), or the error.
result<introspection> read_introspection_response(
    client_config const& config, http_response response, response_context const& context);

// Success (RFC 7009 section 2.2), or the error. An unknown token counts as revoked.
result<void> read_revocation_response(
    client_config const& config, http_response response, response_context const& context);

// The metadata of `issuer` (RFC 8414 section 3.2), or the error.
result<authorization_server> read_metadata_response(
    client_config const& config, std::string_view issuer, http_response response,
    response_context const& context);

} // namespace coauth::protocol

#endif
