#ifndef COAUTH_SRC_TESTING_API_HPP
#define COAUTH_SRC_TESTING_API_HPP

#include <coauth/testing/received_request.hpp>
#include <coauth/testing/response.hpp>

#include "testing/server_state.hpp"

#include <string_view>

namespace coauth::testing
{

// The API: a protected resource (RFC 6750 section 3) and its metadata (RFC 9728).
bool is_api_path(server_state const& server, std::string_view target);
response handle_api_request(server_state& server, received_request const& request);

bool is_resource_metadata_path(server_state const& server, std::string_view path);
response handle_resource_metadata_request(server_state const& server);

} // namespace coauth::testing

#endif
