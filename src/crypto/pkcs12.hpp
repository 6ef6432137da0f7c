#ifndef COAUTH_SRC_CRYPTO_PKCS12_HPP
#define COAUTH_SRC_CRYPTO_PKCS12_HPP

#include <coauth/result.hpp>
#include <coauth/secret_provider.hpp>

#include "crypto/openssl_ptr.hpp"

#include <string>
#include <string_view>

namespace coauth::crypto
{

// True if the bytes begin like a PKCS #12 file (RFC 7292).
bool is_pkcs12(std::string_view bytes);

// Reads the first private key of a PKCS #12 file. `subject` and `passphrase_source` are those of
// `read_private_key`.
result<openssl_ptr<EVP_PKEY>> read_pkcs12_key(
    std::string_view bytes, secret_provider const& passphrase, std::string const& subject,
    std::string const& passphrase_source);

} // namespace coauth::crypto

#endif
