#ifndef COAUTH_SRC_TESTING_GRANTS_HPP
#define COAUTH_SRC_TESTING_GRANTS_HPP

#include "testing/form_request.hpp"
#include "testing/server_state.hpp"

#include <string>

namespace coauth::testing
{

// What a grant yields.
struct granted
{
    std::string scope;
    // Empty: none in the response.
    std::string refresh_token = {};
    // Of a token exchange (RFC 8693 section 2.2.1).
    std::string issued_token_type = {};
};

// Judges the grant of an authenticated client.
checked<granted>
check_grant(server_state& server, registered_client const& client, form const& parameters);

} // namespace coauth::testing

#endif
