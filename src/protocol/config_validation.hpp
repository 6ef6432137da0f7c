#ifndef COAUTH_SRC_PROTOCOL_CONFIG_VALIDATION_HPP
#define COAUTH_SRC_PROTOCOL_CONFIG_VALIDATION_HPP

#include <coauth/client_config.hpp>

#include "protocol/endpoint_url.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace coauth::protocol
{

// The name of the method's secret in messages: "client secret", "client assertion" or "bearer
// token".
std::string_view secret_name(authentication_method method) noexcept;

// Checks the secret, unless a function returns it.
result<void> check_secret(client_authentication const& authentication);

// Checks members of a configuration that have a meaning of their own.
result<void> check_timeout(std::chrono::milliseconds timeout);
result<void> check_retry(retry_options const& options);
// So far as it needs no file.
COAUTH_DECL result<void> check_tls(tls_options const& options);

// Checks every rule that needs no file and no network. Returns the token endpoint.
result<endpoint> check_config(client_config const& config);

// The endpoint of a request.
enum class endpoint_kind
{
    token,
    introspection,
    revocation,
};

// The endpoint's URL, or its alias for clients with a certificate (RFC 8705 section 5). Empty: it
// is unknown.
std::string const& endpoint_url_for(client_config const& config, endpoint_kind kind);
result<endpoint> make_endpoint_for(client_config const& config, endpoint_kind kind);

} // namespace coauth::protocol

#endif
