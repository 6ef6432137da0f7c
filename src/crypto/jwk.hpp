#ifndef COAUTH_SRC_CRYPTO_JWK_HPP
#define COAUTH_SRC_CRYPTO_JWK_HPP

#include <coauth/result.hpp>
#include <coauth/signing_key.hpp>

#include "crypto/openssl_ptr.hpp"
#include "values/json_document.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace coauth::crypto
{

// The public half of a key as a JSON Web Key: the required members in the order of RFC 7638
// section 3, so that its SHA-256 is the key's thumbprint.
std::string public_jwk(EVP_PKEY* key, signature_algorithm algorithm);

// A private key that was given as a JSON Web Key (RFC 7517).
struct jwk_key
{
    openssl_ptr<EVP_PKEY> key;
    // Its `kid`. Empty: it has none.
    std::string key_id;
    // Its `alg`. None: it has none, or one that is not known.
    std::optional<signature_algorithm> algorithm;
};

// True if the text is a JSON object.
bool is_json(std::string_view text);

// Reads a JSON Web Key, or a set of one private key. `subject` names it in messages.
result<jwk_key> read_jwk(std::string_view text, std::string const& subject);

// The public half of a JSON Web Key. Null: it is of a type or curve that is not supported, or
// damaged.
openssl_ptr<EVP_PKEY> read_public_jwk(detail::json_document const& jwk);

} // namespace coauth::crypto

#endif
