#ifndef COAUTH_SRC_TESTING_DPOP_HPP
#define COAUTH_SRC_TESTING_DPOP_HPP

#include "testing/failure.hpp"
#include "testing/server_state.hpp"

#include <string>

namespace coauth::testing
{

// The thumbprint of the key in the request's proof, whether or not the proof is valid. Empty: there
// is no proof, or no key in it.
std::string proof_key_thumbprint(received_request const& request);

// Checks the request's proof (RFC 9449 section 4.3). Returns the thumbprint of its
// key. Empty: the token is not bound.
checked<std::string> check_proof(server_state& server, received_request const& request);

// The same for a request to the API with an access token. There must be a proof.
checked<std::string>
check_api_proof(server_state& server, received_request const& request, std::string const& token);

} // namespace coauth::testing

#endif
