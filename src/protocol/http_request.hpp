#ifndef COAUTH_SRC_PROTOCOL_HTTP_REQUEST_HPP
#define COAUTH_SRC_PROTOCOL_HTTP_REQUEST_HPP

#include <coauth/client_config.hpp>
#include <coauth/token_request.hpp>

#include "protocol/endpoint_url.hpp"

namespace coauth::protocol
{

// The parameters of a token request, checked; or errc::invalid_parameter. `asked` is what
// `dynamic_parameters_form` gave.
result<secret> token_request_form(token_request const& request, secret const& asked = {});
// Whether the user's functions give some of them.
bool has_dynamic_parameters(token_request const& request) noexcept;
// What they give now.
result<secret> dynamic_parameters_form(token_request const& request);
// Those of RFC 7662 section 2.1 and RFC 7009 section 2.1.
result<secret> token_hint_form(secret const& token, std::string_view type_hint);

// What goes with one attempt alone.
struct attempt_credentials
{
    // The client assertion, where one is signed for each attempt.
    secret assertion;
    // The value of the DPoP field.
    secret dpop;
    // Parameters of the grant.
    secret grant;
};

// The whole HTTP/1.1 request, head and body in one buffer, ready to be written: the parameters with
// the client's authentication.
result<secret> build_form_request(
    client_config const& config, endpoint const& where, secret const& form,
    attempt_credentials const& proofs);
secret build_get_request(client_config const& config, endpoint const& where);

} // namespace coauth::protocol

#endif
