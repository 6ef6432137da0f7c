#ifndef COAUTH_SRC_POLICY_TOKEN_KEY_HPP
#define COAUTH_SRC_POLICY_TOKEN_KEY_HPP

#include <coauth/token_request.hpp>

#include <cstdint>
#include <string>

namespace coauth::policy
{

// Appends what tells the tokens for this request of this client from all others. Scopes and
// resources are sets: their order and repetition do not matter.
void append_token_key(std::string& key, std::uint64_t client, token_request const& request);

} // namespace coauth::policy

#endif
