#ifndef COAUTH_SRC_TESTING_PUBLIC_KEY_HPP
#define COAUTH_SRC_TESTING_PUBLIC_KEY_HPP

#include "testing/openssl_ptr.hpp"

#include <boost/json/object.hpp>

#include <optional>
#include <string>

namespace coauth::testing
{

// The public key in PEM text, or that of a certificate in it. Null: there is none.
openssl_ptr<EVP_PKEY> read_public_pem(std::string const& text);

// The first certificate in PEM text. Null: there is none.
openssl_ptr<X509> read_certificate_pem(std::string const& text);

// A JSON Web Key: RSA, EC or Ed25519 (RFC 7518 section 6, RFC 8037). Null: invalid or of another
// type.
openssl_ptr<EVP_PKEY> read_jwk(boost::json::object const& jwk);

// The public half of a P-256 key as a JSON Web Key.
boost::json::object p256_jwk(EVP_PKEY& key);

// Whether the key has a private member.
bool has_private_member(boost::json::object const& jwk);

// The RFC 7638 thumbprint with SHA-256, in base64url. Empty for an unknown type of key.
std::string jwk_thumbprint(boost::json::object const& jwk);

} // namespace coauth::testing

#endif
