#ifndef COAUTH_SRC_TESTING_ENDPOINTS_HPP
#define COAUTH_SRC_TESTING_ENDPOINTS_HPP

#include <coauth/testing/answer.hpp>
#include <coauth/testing/received_request.hpp>

#include "testing/authority.hpp"
#include "testing/client_certificate.hpp"

namespace coauth::testing
{

// What an authorization server answers when nothing is scripted. A request in, an answer out.
answer answer_request(
    authority& server, received_request const& request, client_certificate const& certificate);

} // namespace coauth::testing

#endif
