#ifndef COAUTH_API_CHALLENGE_HPP
#define COAUTH_API_CHALLENGE_HPP

#include <coauth/detail/response_fields.hpp>
#include <coauth/export.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace coauth
{

/// What can make an API accept a request that it rejected.
enum class challenge_remedy
{
    /// No token: the challenge names another error, such as `invalid_request`.
    none,
    /// A new token like the old one: the old one is expired, revoked or unknown, or there was none.
    /// `async_call_with_token` fetches one.
    new_token,
    /// The same token with a proof that has the nonce of the response (RFC 9449 section 9).
    /// `async_call_with_token` repeats the call.
    dpop_nonce,
    /// A token with other claims: a stronger or newer authentication (RFC 9470), or the claims of
    /// Microsoft Entra's claims challenge. See `token_source::invalidate`.
    claims,
    /// A token with the scope in `api_challenge::scope`. A new token with the same scope is
    /// rejected too.
    scope,
};

/// The name of the remedy, such as `"new_token"`.
[[nodiscard]] COAUTH_DECL std::string_view to_string(challenge_remedy remedy) noexcept;

/// Why an API rejected a request: the parameters of the challenges in its WWW-Authenticate field
/// (RFC 6750 section 3). Text of the API is untrusted.
struct api_challenge
{
    /// What can help.
    challenge_remedy remedy = challenge_remedy::none;
    /// The error, such as `invalid_token`, `insufficient_scope`, `insufficient_claims` (Entra),
    /// `insufficient_user_authentication` (RFC 9470) or `use_dpop_nonce`. Empty: there is none.
    std::string error = {};
    /// The API's text for people, without control characters, at most 1 KiB.
    std::string error_description = {};
    /// The scope that the request needs. At most 1 KiB, else empty; the same for `acr_values` and
    /// `resource_metadata`.
    std::string scope = {};
    /// The claims that the token needs: a JSON object, decoded from base64 if the API encodes it.
    /// At most 16 KiB. Empty: there are none, or they are not a JSON object.
    std::string claims = {};
    /// The authentication context classes, one of which the token needs (RFC 9470 section 3).
    std::string acr_values = {};
    /// How long ago the authentication may be (RFC 9470 section 3).
    std::optional<std::chrono::seconds> max_age = {};
    /// The URL of the API's metadata (RFC 9728 section 5.1). See `async_discover_resource`.
    std::string resource_metadata = {};
};

/// Reads the challenges of an API's response. If there are several, a parameter is that of the
/// first challenge that has it.
///
/// \param status The status of the response.
/// \param www_authenticate The WWW-Authenticate field; may be empty.
/// \return None: the response has neither status 401 nor a challenge with status 403.
[[nodiscard]] COAUTH_DECL std::optional<api_challenge>
parse_api_challenge(unsigned status, std::string_view www_authenticate);

/// The same for a response of Boost.Beast, or of a type like it (see `is_invalid_token_response`).
///
/// \code
/// auto const call = [](coauth::access_token token) { return get("/messages", token); };
/// auto response = co_await coauth::async_call_with_token(tokens, call);
/// if (!response)
///     co_return; // there is no token
/// if (auto const challenge = coauth::parse_api_challenge(*response))
///     log(challenge->error);
/// \endcode
template <detail::beast_like_response Response>
[[nodiscard]] std::optional<api_challenge> parse_api_challenge(Response const& response)
{
    return parse_api_challenge(
        static_cast<unsigned>(response.result_int()),
        detail::field_values(response, "WWW-Authenticate"));
}

} // namespace coauth

#endif
