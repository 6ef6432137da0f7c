#ifndef COAUTH_SRC_VALUES_REFUSED_CREDENTIALS_HPP
#define COAUTH_SRC_VALUES_REFUSED_CREDENTIALS_HPP

#include <string_view>

namespace coauth::detail
{

// True if an error code or a short sentence of a server means that it rejected the client's
// credentials, such as "bad_client_secret", "UnrecognizedClientException" or "Invalid API key". It
// must consist of known words only: "invalid_client_metadata" means something else.
bool means_refused_credentials(std::string_view text) noexcept;

} // namespace coauth::detail

#endif
