#ifndef COAUTH_SRC_TESTING_METADATA_HPP
#define COAUTH_SRC_TESTING_METADATA_HPP

#include <coauth/testing/response.hpp>
#include <coauth/testing/received_request.hpp>

#include "testing/authority.hpp"

namespace coauth::testing
{

// Whether the path is one of the server's metadata: RFC 8414 section 3.1 puts the well-known part
// before the issuer's path, OpenID Connect Discovery after it.
bool is_metadata_path(authority const& server, std::string_view path);

response response_metadata_request(authority const& server, received_request const& request);

} // namespace coauth::testing

#endif
