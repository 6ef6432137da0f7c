#ifndef COAUTH_SRC_TESTING_ENDPOINTS_HPP
#define COAUTH_SRC_TESTING_ENDPOINTS_HPP

#include <coauth/testing/response.hpp>
#include <coauth/testing/received_request.hpp>

#include "testing/authority.hpp"
#include "testing/client_certificate.hpp"

namespace coauth::testing
{

// What an authorization server responds when nothing is scripted. A request in, a response out.
response response_request(
    authority& server, received_request const& request, client_certificate const& certificate);

} // namespace coauth::testing

#endif
