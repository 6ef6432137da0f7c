#ifndef COAUTH_SRC_TOKEN_SOURCE_CACHE_KEY_HPP
#define COAUTH_SRC_TOKEN_SOURCE_CACHE_KEY_HPP

#include <coauth/token_request.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace coauth::policy
{

// Appends what tells the tokens for this request of this client from all others. Scopes and
// resources are sets: their order and repetition do not matter. The grant, if it has one, is told
// by `grant`: its content is secret, and a key is not.
void append_cache_key(
    std::string& key, std::uint64_t client, token_request const& request, std::string_view grant);

// The content of a grant that asks no function.
secret grant_content(token_grant const& grant);

} // namespace coauth::policy

#endif
