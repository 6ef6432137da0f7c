#ifndef COAUTH_SRC_TOKEN_SOURCE_SHARED_NAME_HPP
#define COAUTH_SRC_TOKEN_SOURCE_SHARED_NAME_HPP

#include <coauth/client_config.hpp>
#include <coauth/token_request.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace coauth::detail
{

// False: an assertion alone says who the client is, which may be another one in each process.
bool knows_identity_of(client_config const& config) noexcept;

// What defines the tokens of a client besides the request. `key_binding` is what the server may
// bind them to. None: that is not known.
std::optional<std::string>
identity_of(client_config const& config, std::optional<std::string> const& key_binding);

// The name under which a fleet shares the token of this request: a digest of all that defines it.
// `fetcher` and `user` are identities; one of them may be empty. None: no two processes could share
// it, because it comes from a refresh token, or from values that functions return and no identity
// of the user stands for.
std::optional<std::string> shared_name(
    std::string_view prefix, std::string_view fetcher, std::string_view user,
    token_request const& request);

} // namespace coauth::detail

#endif
