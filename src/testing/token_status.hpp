#ifndef COAUTH_SRC_TESTING_TOKEN_STATUS_HPP
#define COAUTH_SRC_TESTING_TOKEN_STATUS_HPP

#include <coauth/testing/received_request.hpp>
#include <coauth/testing/response.hpp>

#include "testing/client_certificate.hpp"
#include "testing/server_state.hpp"

namespace coauth::testing
{

// The response of the introspection endpoint (RFC 7662 section 2.2).
response handle_introspection_request(
    server_state& server, received_request const& request, client_certificate const& certificate);

// The response of the revocation endpoint (RFC 7009 section 2.2).
response handle_revocation_request(
    server_state& server, received_request const& request, client_certificate const& certificate);

} // namespace coauth::testing

#endif
