#ifndef COAUTH_SRC_TESTING_TOKEN_ENDPOINT_HPP
#define COAUTH_SRC_TESTING_TOKEN_ENDPOINT_HPP

#include <coauth/testing/authorization_server.hpp>

namespace coauth::testing
{

// What an authorization server answers when nothing is scripted. A request in, an answer out.
answer answer_token_request(server_options const& options, received_request const& request);

} // namespace coauth::testing

#endif
