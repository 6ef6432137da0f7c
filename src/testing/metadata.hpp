#ifndef COAUTH_SRC_TESTING_METADATA_HPP
#define COAUTH_SRC_TESTING_METADATA_HPP

#include <coauth/testing/received_request.hpp>
#include <coauth/testing/response.hpp>

#include "testing/server_state.hpp"

namespace coauth::testing
{

// Whether the server's metadata are at this path. RFC 8414 section 3.1 puts the well-known part
// before the issuer's path, OpenID Connect Discovery after it.
bool is_metadata_path(server_state const& server, std::string_view path);

response handle_metadata_request(server_state const& server, received_request const& request);

} // namespace coauth::testing

#endif
