#ifndef COAUTH_SRC_CRYPTO_STORE_KEY_HPP
#define COAUTH_SRC_CRYPTO_STORE_KEY_HPP

#include <coauth/result.hpp>
#include <coauth/secret_provider.hpp>

#include "crypto/openssl_ptr.hpp"

#include <string>
#include <string_view>

namespace coauth::crypto
{

// How messages name the URI: without its query, which may contain a PIN (RFC 7512 section 2.4).
std::string shown_uri(std::string const& uri);

// The path that a `file:` URI names. Empty: it is another URI.
std::string path_of_uri(std::string_view uri);

// The private key that a URI of OpenSSL's OSSL_STORE names: "file:..." or what a provider of the
// machine offers, such as "pkcs11:...". The key may stay where it is. `subject` names the option in
// messages, `passphrase_source` that of the pass-phrase or PIN. OpenSSL never asks for that on the
// terminal.
result<openssl_ptr<EVP_PKEY>> read_store_key(
    std::string const& uri, secret_provider const& passphrase, std::string_view subject,
    std::string_view passphrase_source);

} // namespace coauth::crypto

#endif
