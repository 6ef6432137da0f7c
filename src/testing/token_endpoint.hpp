#ifndef COAUTH_SRC_TESTING_TOKEN_ENDPOINT_HPP
#define COAUTH_SRC_TESTING_TOKEN_ENDPOINT_HPP

#include <coauth/testing/received_request.hpp>
#include <coauth/testing/response.hpp>

#include "testing/client_certificate.hpp"
#include "testing/server_state.hpp"

namespace coauth::testing
{

// The response of the token endpoint.
response handle_token_request(
    server_state& server, received_request const& request, client_certificate const& certificate);

} // namespace coauth::testing

#endif
