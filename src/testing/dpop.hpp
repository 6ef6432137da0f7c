#ifndef COAUTH_SRC_TESTING_DPOP_HPP
#define COAUTH_SRC_TESTING_DPOP_HPP

#include "testing/failure.hpp"
#include "testing/server_state.hpp"

#include <string>

namespace coauth::testing
{

// The thumbprint of the key in the request's proof, whether or not the proof is right; empty: no
// proof, or none with a key.
std::string find_proof_key(received_request const& request);

// Checks the request's proof (RFC 9449 section 4.3). Yields the thumbprint of its key; empty when
// the token is not to be bound.
checked<std::string> check_proof(server_state& server, received_request const& request);

} // namespace coauth::testing

#endif
