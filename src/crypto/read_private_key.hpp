#ifndef COAUTH_SRC_CRYPTO_READ_PRIVATE_KEY_HPP
#define COAUTH_SRC_CRYPTO_READ_PRIVATE_KEY_HPP

#include <coauth/result.hpp>
#include <coauth/secret_provider.hpp>

#include "crypto/openssl_ptr.hpp"

#include <string>
#include <string_view>

namespace coauth::crypto
{

// Reads the first private key in the text. `subject` names it in messages, such as "tls.key_pem".
// `passphrase_source` names the source of its pass-phrase, such as "tls.key_passphrase". OpenSSL
// never asks for the pass-phrase on the terminal.
result<openssl_ptr<EVP_PKEY>> read_private_key(
    std::string_view text, secret_provider const& passphrase, std::string const& subject,
    std::string_view passphrase_source);

} // namespace coauth::crypto

#endif
