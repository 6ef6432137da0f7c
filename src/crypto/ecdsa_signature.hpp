#ifndef COAUTH_SRC_CRYPTO_ECDSA_SIGNATURE_HPP
#define COAUTH_SRC_CRYPTO_ECDSA_SIGNATURE_HPP

#include <coauth/result.hpp>
#include <coauth/secret.hpp>
#include <coauth/signing_key.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace coauth::crypto
{

// The bytes of a coordinate of the algorithm's curve. 0: it is not ES256, ES384 or ES512.
std::size_t coordinate_size(signature_algorithm algorithm) noexcept;

// Converts the DER form of an ECDSA signature to r and s, each of the coordinate's size (RFC 7518
// section 3.4). Empty: it is not DER, or of another curve.
secret ecdsa_der_to_raw(std::string_view der, signature_algorithm algorithm);

// The reverse, for r and s of equal sizes.
secret ecdsa_raw_to_der(std::string_view raw);

// Converts the signature of a user's signer to the form of RFC 7518. Key management services return
// DER for ECDSA.
result<secret> normalize_signature(signature_algorithm algorithm, result<std::string> signature);

} // namespace coauth::crypto

#endif
