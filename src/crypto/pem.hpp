#ifndef COAUTH_SRC_CRYPTO_PEM_HPP
#define COAUTH_SRC_CRYPTO_PEM_HPP

#include <coauth/result.hpp>
#include <coauth/secret.hpp>
#include <coauth/secret_provider.hpp>

#include "crypto/openssl_ptr.hpp"

#include <string>
#include <string_view>

// Private keys and certificates as text: for what signs, and for TLS.
namespace coauth::pem
{

using crypto::openssl_ptr;

// `errc::invalid_configuration`; what OpenSSL had to say is forgotten. Throws `std::bad_alloc`
// where that was a lack of memory.
error pem_error(std::string context);

// The whole file; `what` names it in messages, as in "tls.key_file '/etc/client.key'".
result<secret> read_file(std::string const& path, std::string const& what);

openssl_ptr<BIO> memory_bio(std::string_view text);

// The first private key in the text. `giver` names who has to know its pass-phrase, as in
// "tls.key_passphrase"; the terminal's user is never asked.
result<openssl_ptr<EVP_PKEY>> read_key(
    std::string_view text, secret_provider const& ask, std::string const& what,
    std::string_view giver);

} // namespace coauth::pem

#endif
