#ifndef COAUTH_SMSCX_HPP
#define COAUTH_SMSCX_HPP

#include <coauth/client_config.hpp>
#include <coauth/detail/given_text.hpp>

#include <string>

/// The provider built in: SMS.CX (https://sms.cx).
namespace coauth::smscx
{

/// Where the API lives, unless told otherwise.
inline constexpr char const* default_host = "https://api.sms.cx";

/// The authorization server of SMS.CX.
///
/// A token whose application is set to "never" has no known end, whether that is said by a missing,
/// null, zero, negative or "never" `expires_in`.
///
/// \param host Scheme, host and optional port; the path `/oauth/token` is appended.
[[nodiscard]] COAUTH_DECL authorization_server server(detail::given_text host = default_host);

/// A complete configuration for SMS.CX: its server, and HTTP Basic with the credentials as they
/// are.
///
/// \param application_id, application_secret From the SMS.CX dashboard; `std::getenv` may yield
///     them. Null is empty, and the client says what is missing.
/// \param host As in `server`.
[[nodiscard]] COAUTH_DECL client_config config(
    detail::given_text application_id, secret application_secret,
    detail::given_text host = default_host);

} // namespace coauth::smscx

#endif
