#ifndef COAUTH_PARSE_TOKEN_RESPONSE_HPP
#define COAUTH_PARSE_TOKEN_RESPONSE_HPP

#include <coauth/access_token.hpp>
#include <coauth/export.hpp>
#include <coauth/http_headers.hpp>
#include <coauth/result.hpp>

#include <chrono>
#include <string_view>

namespace coauth
{

/// Reads a token response (RFC 6749 section 5), for a `token_fetcher` that makes the HTTP request
/// itself, such as one to a cloud's metadata server. Reads it as strictly as a `client` does, and
/// returns the same errors, from the status and from the body.
///
/// \param http_status The status.
/// \param body The whole body.
/// \param requested_at When the request was sent: the token's lifetime starts then.
/// \param headers The header fields; `Retry-After` and `Content-Encoding` are among those that
///     count. May be empty.
[[nodiscard]] COAUTH_DECL result<access_token> parse_token_response(
    unsigned http_status, std::string_view body, std::chrono::steady_clock::time_point requested_at,
    http_headers headers = http_headers());

} // namespace coauth

#endif
