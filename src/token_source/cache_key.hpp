#ifndef COAUTH_SRC_TOKEN_SOURCE_CACHE_KEY_HPP
#define COAUTH_SRC_TOKEN_SOURCE_CACHE_KEY_HPP

#include <coauth/token_request.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace coauth::detail
{

// Appends the cache key of this request of this fetcher. Scopes, resources and audiences are sets:
// order and repetition do not matter. Header fields are not part of it. The content of a grant is
// secret and must not be in the key: `grant_fingerprint` stands for it.
void append_cache_key(
    std::string& key, std::uint64_t fetcher, token_request const& request,
    std::string_view grant_fingerprint);

// The same for any client.
void append_request_key(
    std::string& key, token_request const& request, std::string_view grant_fingerprint);

// Appends text with its length in front, so that different lists of fields give different text.
void append_field(std::string& key, std::string_view text);

// The content of a grant without dynamic parameters.
secret grant_content(token_grant const& grant);

} // namespace coauth::detail

#endif
