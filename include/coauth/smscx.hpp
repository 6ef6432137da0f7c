#ifndef COAUTH_SMSCX_HPP
#define COAUTH_SMSCX_HPP

#include <coauth/client_config.hpp>
#include <coauth/detail/text_argument.hpp>

#include <string>

/// The built-in provider SMS.CX (https://sms.cx).
namespace coauth::smscx
{

/// The default host of the API.
inline constexpr char const* default_host = "https://api.sms.cx";

/// The authorization server of SMS.CX.
///
/// Tokens of an application whose tokens never expire have no known end, whether `expires_in` is
/// missing, null, zero, negative or "never".
///
/// \param host Scheme, host and optional port. The path `/oauth/token` is appended.
[[nodiscard]] COAUTH_DECL authorization_server server(detail::text_argument host = default_host);

/// A complete configuration for SMS.CX: its server, and HTTP Basic with unencoded credentials.
///
/// The id and the secret may be the result of `std::getenv`: null is empty, and the client reports
/// what is missing.
///
/// \param application_id The application id from the SMS.CX dashboard.
/// \param application_secret The application secret from the SMS.CX dashboard.
/// \param host As in `server`.
[[nodiscard]] COAUTH_DECL client_config config(
    detail::text_argument application_id, secret application_secret,
    detail::text_argument host = default_host);

} // namespace coauth::smscx

#endif
