#ifndef COAUTH_SRC_TESTING_TOKEN_STATUS_HPP
#define COAUTH_SRC_TESTING_TOKEN_STATUS_HPP

#include <coauth/testing/response.hpp>
#include <coauth/testing/received_request.hpp>

#include "testing/authority.hpp"
#include "testing/client_certificate.hpp"

namespace coauth::testing
{

// What the introspection endpoint responds (RFC 7662 section 2.2).
response response_introspection_request(
    authority& server, received_request const& request, client_certificate const& certificate);

// What the revocation endpoint responds (RFC 7009 section 2.2).
response response_revocation_request(
    authority& server, received_request const& request, client_certificate const& certificate);

} // namespace coauth::testing

#endif
