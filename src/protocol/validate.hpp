#ifndef COAUTH_SRC_PROTOCOL_VALIDATE_HPP
#define COAUTH_SRC_PROTOCOL_VALIDATE_HPP

#include <coauth/client_config.hpp>

#include "protocol/assertion_key.hpp"
#include "protocol/endpoint.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace coauth::protocol
{

// What the method's secret is to the user: "client secret" or "client assertion".
std::string_view secret_name(client_authentication::method how) noexcept;

// Every rule that needs no file and no network. Yields the token endpoint, taken apart.
result<endpoint> check_config(client_config const& config);

// The key that signs client assertions; null: none does.
result<std::shared_ptr<assertion_key const>>
load_key(client_config const& config, std::chrono::system_clock::time_point now);

// What a request is sent to.
enum class place
{
    token,
    introspection,
    revocation,
};

// The URL of it, or its alias for a client with a certificate (RFC 8705 section 5); empty: it is
// not known.
std::string const& url_of(client_config const& config, place of);
result<endpoint> find_endpoint(client_config const& config, place of);

} // namespace coauth::protocol

#endif
