#ifndef COAUTH_SRC_CRYPTO_VERIFY_SIGNATURE_HPP
#define COAUTH_SRC_CRYPTO_VERIFY_SIGNATURE_HPP

#include <coauth/signing_key.hpp>

#include "crypto/openssl_ptr.hpp"

#include <string_view>

namespace coauth::crypto
{

// True if this is the key's signature of the text, in the form of RFC 7518. False also if the key
// does not fit the algorithm or is too weak.
bool verify_signature(
    EVP_PKEY* key, signature_algorithm algorithm, std::string_view text,
    std::string_view signature);

} // namespace coauth::crypto

#endif
