#ifndef COAUTH_SRC_PROTOCOL_HTTP_REQUEST_HPP
#define COAUTH_SRC_PROTOCOL_HTTP_REQUEST_HPP

#include <coauth/client_config.hpp>
#include <coauth/token_request.hpp>

#include "protocol/endpoint_url.hpp"
#include "protocol/header_fields.hpp"

#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace coauth::protocol
{

// The checked parameters of a token request, form-encoded, or errc::invalid_parameter.
// `dynamic_parameters` is the result of `dynamic_parameters_form`.
result<secret>
token_request_form(token_request const& request, secret const& dynamic_parameters = {});
// True if functions of the user return some of the parameters.
bool has_dynamic_parameters(token_request const& request) noexcept;
// Calls these functions, but for those whose parameters are among `known`: names and values.
result<secret> dynamic_parameters_form(
    token_request const& request, std::span<std::pair<std::string, secret> const> known = {});
// The parameters of introspection (RFC 7662 section 2.1) and revocation (RFC 7009 section 2.1).
result<secret> token_hint_form(secret const& token, std::string_view type_hint);

// The credentials of one attempt.
struct attempt_credentials
{
    // The signed client assertion.
    secret assertion;
    // The value of the DPoP field.
    secret dpop;
    // The result of `dynamic_parameters_form`.
    secret grant;
};

// The header fields of a request that differ from call to call.
struct call_fields
{
    std::string_view accept = "application/json";
    // They replace those of the client with the same names.
    header_fields own = {};
};

// The HTTP/1.1 request with head and body: the form and the client authentication, with the secret
// in force.
result<secret> build_form_request(
    client_config const& config, client_authentication const& authentication,
    endpoint const& endpoint, secret const& form, attempt_credentials const& credentials,
    call_fields const& fields = {});
secret build_get_request(client_config const& config, endpoint const& endpoint);

} // namespace coauth::protocol

#endif
