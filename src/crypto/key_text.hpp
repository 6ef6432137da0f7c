#ifndef COAUTH_SRC_CRYPTO_KEY_TEXT_HPP
#define COAUTH_SRC_CRYPTO_KEY_TEXT_HPP

#include <coauth/secret.hpp>

#include <string_view>

namespace coauth::crypto
{

// Restores the text of a key that was changed on its way through environments, JSON, YAML, URLs,
// mails and editors: line breaks as the two characters `\n`, as CRLF or as spaces, indented lines,
// quotes, spaces, comment or citation marks around the text or each line, a byte order mark,
// UTF-16, percent-encoding, a missing line break at the end, and another layer of base64. The
// result is PEM, JSON, or DER if the text is DER without the lines of PEM. Text without a complete
// PEM block is returned as it is, but without quotes and spaces around it.
secret normalize_key_text(std::string_view text);

// What the first block of normal PEM text contains, whatever its label is.
secret decode_first_block(std::string_view pem);

} // namespace coauth::crypto

#endif
