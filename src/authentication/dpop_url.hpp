#ifndef COAUTH_SRC_AUTHENTICATION_DPOP_URL_HPP
#define COAUTH_SRC_AUTHENTICATION_DPOP_URL_HPP

#include <string>
#include <string_view>

namespace coauth::detail
{

// The parts of a URL that DPoP uses.
struct dpop_url
{
    // Scheme, host and port. Nonces belong to an origin (RFC 9449 section 8.2).
    std::string origin;
    // The `htu` of a proof: the URL without user information, query and fragment.
    std::string htu;
};

// Scheme and host in lower case, no default port, and "/" for an empty path (RFC 3986 section 6.2,
// RFC 9449 section 4.3). The path itself is not changed: servers compare it byte by byte. Text that
// is no absolute URL is used as it is.
dpop_url parse_dpop_url(std::string_view url);

} // namespace coauth::detail

#endif
