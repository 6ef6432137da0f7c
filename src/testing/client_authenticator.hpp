#ifndef COAUTH_SRC_TESTING_CLIENT_AUTHENTICATOR_HPP
#define COAUTH_SRC_TESTING_CLIENT_AUTHENTICATOR_HPP

#include "testing/client_certificate.hpp"
#include "testing/form_request.hpp"
#include "testing/server_state.hpp"

namespace coauth::testing
{

// Sets the members of the request that say how the client tried to authenticate.
void record_client(
    server_state const& server, received_request& request, client_certificate const& certificate);

// Authenticates the client.
checked<registered_client> authenticate_client(
    server_state& server, received_request const& request, form const& parameters,
    client_certificate const& certificate);

} // namespace coauth::testing

#endif
