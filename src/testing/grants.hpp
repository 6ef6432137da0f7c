#ifndef COAUTH_SRC_TESTING_GRANTS_HPP
#define COAUTH_SRC_TESTING_GRANTS_HPP

#include "testing/form_request.hpp"
#include "testing/server_state.hpp"

#include <string>
#include <vector>

namespace coauth::testing
{

// The content of the response to a valid grant.
struct granted
{
    std::string scope;
    // Empty: the response has none.
    std::string refresh_token = {};
    // For a token exchange (RFC 8693 section 2.2.1).
    std::string issued_token_type = {};
    std::vector<std::string> audiences = {};
    // JSON text (RFC 9396 section 7). Empty: none.
    std::string authorization_details = {};
};

// Checks the grant of an authenticated client.
checked<granted>
check_grant(server_state& server, registered_client const& client, form const& parameters);

} // namespace coauth::testing

#endif
