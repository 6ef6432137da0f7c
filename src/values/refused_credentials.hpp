#ifndef COAUTH_SRC_VALUES_REFUSED_CREDENTIALS_HPP
#define COAUTH_SRC_VALUES_REFUSED_CREDENTIALS_HPP

#include <string_view>

namespace coauth::detail
{

enum class refusal_meaning
{
    other,
    // Not accepted, for whatever reason: "Client authentication failed", "User is not authorized".
    refused_credentials,
    // Wrong: "bad_client_secret", "Invalid API key".
    invalid_credentials,
};

// What an error code or a short sentence of a server says of the client's credentials, such as
// "bad_client_secret", "UnrecognizedClientException" or "Invalid API key". It must consist of known
// words only: "invalid_client_metadata" means something else.
refusal_meaning meaning_of_refusal(std::string_view text) noexcept;

} // namespace coauth::detail

#endif
