#ifndef COAUTH_SRC_CRYPTO_KEY_ENCRYPTION_HPP
#define COAUTH_SRC_CRYPTO_KEY_ENCRYPTION_HPP

#include <string>
#include <string_view>

namespace coauth::crypto
{

// The name of the algorithm that encrypts a key in PEM or DER, if this OpenSSL does not offer it,
// as with those of its legacy provider: such a key is not decrypted by any pass-phrase. Else empty.
std::string unavailable_encryption(std::string_view text);

} // namespace coauth::crypto

#endif
