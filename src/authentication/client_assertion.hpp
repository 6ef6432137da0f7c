#ifndef COAUTH_SRC_AUTHENTICATION_CLIENT_ASSERTION_HPP
#define COAUTH_SRC_AUTHENTICATION_CLIENT_ASSERTION_HPP

#include <coauth/client_config.hpp>

#include "crypto/jwt.hpp"
#include "crypto/key_source.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace coauth::detail
{

// The key that signs client assertions; null: the method of authentication has none.
std::shared_ptr<crypto::key_source> load_key(client_config const& config);

// The audience of a client assertion in a request to this URL.
std::string_view audience_of(client_config const& config, std::string_view url);

// A new client assertion for a request to this URL, to be signed with `key`, or with the client
// secret if `key` is null.
result<crypto::unsigned_jwt> make_client_assertion(
    client_config const& config, crypto::private_key const* key, std::string_view url,
    std::chrono::system_clock::time_point now);

} // namespace coauth::detail

#endif
