#ifndef COAUTH_SRC_PROTOCOL_IDN_HOST_HPP
#define COAUTH_SRC_PROTOCOL_IDN_HOST_HPP

#include <string>
#include <string_view>

namespace coauth::protocol
{

// The ASCII form (RFC 5891, Punycode) of a URL's host with non-ASCII letters, for messages. Empty:
// the host is ASCII, is not valid UTF-8, or needs tables of Unicode that are not here.
std::string ascii_host(std::string_view url);

} // namespace coauth::protocol

#endif
