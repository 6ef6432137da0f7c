#ifndef COAUTH_SRC_TESTING_ENDPOINTS_HPP
#define COAUTH_SRC_TESTING_ENDPOINTS_HPP

#include <coauth/testing/received_request.hpp>
#include <coauth/testing/response.hpp>

#include "testing/client_certificate.hpp"
#include "testing/server_state.hpp"

namespace coauth::testing
{

// What an authorization server responds when nothing is scripted. A request in, a response out.
response handle_request(
    server_state& server, received_request const& request, client_certificate const& certificate);

} // namespace coauth::testing

#endif
