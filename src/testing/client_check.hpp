#ifndef COAUTH_SRC_TESTING_CLIENT_CHECK_HPP
#define COAUTH_SRC_TESTING_CLIENT_CHECK_HPP

#include "testing/authority.hpp"
#include "testing/client_certificate.hpp"
#include "testing/form_request.hpp"

namespace coauth::testing
{

// Writes into the request what its client presented, right or not.
void note_client(
    authority const& server, received_request& request, client_certificate const& certificate);

// The client, once it has proved who it is.
checked<registered_client> check_client(
    authority& server, received_request const& request, form const& parameters,
    client_certificate const& certificate);

} // namespace coauth::testing

#endif
