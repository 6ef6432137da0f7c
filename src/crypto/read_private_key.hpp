#ifndef COAUTH_SRC_CRYPTO_READ_PRIVATE_KEY_HPP
#define COAUTH_SRC_CRYPTO_READ_PRIVATE_KEY_HPP

#include <coauth/result.hpp>
#include <coauth/secret_provider.hpp>

#include "crypto/jwk.hpp"
#include "crypto/openssl_ptr.hpp"

#include <string>
#include <string_view>

namespace coauth::crypto
{

// Reads the first private key in the text: PEM as people paste it (see `normalize_key_text`), a
// JSON Web Key, PKCS #12 or DER. `subject` names it in messages, such as "tls.key_pem".
// `passphrase_source` names the source of its pass-phrase, such as "tls.key_passphrase". OpenSSL
// never asks for the pass-phrase on the terminal.
result<openssl_ptr<EVP_PKEY>> read_private_key(
    std::string_view text, secret_provider const& passphrase, std::string const& subject,
    std::string_view passphrase_source);

// The same, with the key id and the algorithm that a JSON Web Key names.
result<jwk_key> read_signing_key(
    std::string_view text, secret_provider const& passphrase, std::string const& subject,
    std::string_view passphrase_source);

} // namespace coauth::crypto

#endif
