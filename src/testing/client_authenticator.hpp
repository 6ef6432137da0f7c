#ifndef COAUTH_SRC_TESTING_CLIENT_AUTHENTICATOR_HPP
#define COAUTH_SRC_TESTING_CLIENT_AUTHENTICATOR_HPP

#include "testing/client_certificate.hpp"
#include "testing/form_request.hpp"
#include "testing/server_state.hpp"

namespace coauth::testing
{

// Writes into the request what its client presented, right or not.
void note_client(
    server_state const& server, received_request& request, client_certificate const& certificate);

// The client, once it has proved who it is.
checked<registered_client> check_client(
    server_state& server, received_request const& request, form const& parameters,
    client_certificate const& certificate);

} // namespace coauth::testing

#endif
