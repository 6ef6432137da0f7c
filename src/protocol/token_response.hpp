#ifndef COAUTH_SRC_PROTOCOL_TOKEN_RESPONSE_HPP
#define COAUTH_SRC_PROTOCOL_TOKEN_RESPONSE_HPP

#include <coauth/access_token.hpp>
#include <coauth/client_config.hpp>
#include <coauth/introspection.hpp>
#include <coauth/token_request.hpp>

#include "values/http_response.hpp"

#include <chrono>
#include <string_view>

namespace coauth::protocol
{

// When the request was sent, by both clocks, and when its response had come; and the request, whose
// secrets the response may repeat.
struct response_context
{
    std::chrono::system_clock::time_point sent;
    std::chrono::steady_clock::time_point sent_steady;
    std::chrono::system_clock::time_point received;
    std::string_view request = {};
};

// The token that the response holds (RFC 6749 section 5.1), or the typed error that it says or is
// (section 5.2, SMS.CX, RFC 9457, by status).
result<access_token> read_token_response(
    client_config const& config, token_request const& request, http_response response,
    response_context const& facts);

// What the server says of a token (RFC 7662 section 2.2), or the error.
result<introspection> read_introspection_response(
    client_config const& config, http_response response, response_context const& facts);

// RFC 7009 section 2.2: success, whatever the body is, or the error. That the token is not known is
// none.
result<void> read_revocation_response(
    client_config const& config, http_response response, response_context const& facts);

// The metadata of this issuer (RFC 8414 section 3.2), or what is wrong with them.
result<authorization_server> read_metadata_response(
    client_config const& config, std::string_view issuer, http_response response,
    response_context const& facts);

} // namespace coauth::protocol

#endif
