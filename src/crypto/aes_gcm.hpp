#ifndef COAUTH_SRC_CRYPTO_AES_GCM_HPP
#define COAUTH_SRC_CRYPTO_AES_GCM_HPP

#include <coauth/result.hpp>
#include <coauth/secret.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace coauth::crypto
{

// The bytes of a key of AES-256.
inline constexpr std::size_t aes_key_size = 32;

// Encrypts with AES-256-GCM (NIST SP 800-38D): a new random nonce of 96 bits, the ciphertext, and a
// tag of 128 bits. `additional` is authenticated and not contained. With random nonces, one key may
// seal 2^32 texts.
result<std::string> seal(secret const& key, std::string_view additional, std::string_view plain);

// The reverse. None: the text was sealed with another key or other additional data, or it was
// changed.
std::optional<secret> open(secret const& key, std::string_view additional, std::string_view sealed);

} // namespace coauth::crypto

#endif
