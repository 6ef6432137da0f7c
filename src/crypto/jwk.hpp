#ifndef COAUTH_SRC_CRYPTO_JWK_HPP
#define COAUTH_SRC_CRYPTO_JWK_HPP

#include <coauth/signing_key.hpp>

#include "crypto/openssl_ptr.hpp"

#include <string>

namespace coauth::crypto
{

// The public half of a key as a JSON Web Key: the required members in the order of RFC 7638
// section 3, so that its SHA-256 is the key's thumbprint.
std::string public_jwk(EVP_PKEY* key, signature_algorithm algorithm);

} // namespace coauth::crypto

#endif
