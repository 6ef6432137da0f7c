#ifndef COAUTH_SRC_CRYPTO_KEY_TEXT_HPP
#define COAUTH_SRC_CRYPTO_KEY_TEXT_HPP

#include <coauth/secret.hpp>

#include <string_view>

namespace coauth::crypto
{

// Restores PEM text that was damaged on its way through environments, JSON, YAML and editors: line
// breaks as the two characters `\n`, as CRLF or as spaces, indented lines, surrounding quotes or
// spaces, a byte order mark, a missing line break at the end, and another layer of base64. Text
// without a complete PEM block is returned as it is, but without quotes and spaces around it.
secret normalize_key_text(std::string_view text);

} // namespace coauth::crypto

#endif
