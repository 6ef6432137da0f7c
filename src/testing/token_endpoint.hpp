#ifndef COAUTH_SRC_TESTING_TOKEN_ENDPOINT_HPP
#define COAUTH_SRC_TESTING_TOKEN_ENDPOINT_HPP

#include <coauth/testing/response.hpp>
#include <coauth/testing/received_request.hpp>

#include "testing/authority.hpp"
#include "testing/client_certificate.hpp"

namespace coauth::testing
{

// What the token endpoint responds.
response response_token_request(
    authority& server, received_request const& request, client_certificate const& certificate);

} // namespace coauth::testing

#endif
