#ifndef COAUTH_SRC_CRYPTO_DIGEST_HPP
#define COAUTH_SRC_CRYPTO_DIGEST_HPP

#include <coauth/result.hpp>
#include <coauth/secret.hpp>
#include <coauth/signing_key.hpp>

#include <string>
#include <string_view>

namespace coauth::crypto
{

// 32 bytes.
std::string sha256(std::string_view bytes);

// The bytes of the HMAC. The algorithm must be HS256, HS384 or HS512.
result<secret> hmac(signature_algorithm algorithm, secret const& key, std::string_view input);

// 128 random bits as text, such as for a `jti`; or errc::random_failed.
result<std::string> random_id();

} // namespace coauth::crypto

#endif
