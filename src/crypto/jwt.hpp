#ifndef COAUTH_SRC_CRYPTO_JWT_HPP
#define COAUTH_SRC_CRYPTO_JWT_HPP

#include <coauth/secret.hpp>
#include <coauth/signing_key.hpp>

#include "crypto/private_key.hpp"
#include "values/json_object.hpp"

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace coauth::crypto
{

using detail::json_object;

// A JSON Web Token before it is signed (RFC 7519).
struct unsigned_jwt
{
    json_object header;
    json_object claims;
};

// The text that is signed: header and claims in base64url, joined by a dot.
secret jws_signing_input(unsigned_jwt const& jwt);

// The signed token (RFC 7515 section 3.1).
secret jws_compact(std::string_view signing_input, std::string_view signature);

// Signs the token. The `alg` in its header must be that of the key.
result<secret> sign_jwt(unsigned_jwt const& jwt, private_key const& key);
// The same with HS256, HS384 or HS512.
result<secret> sign_jwt(unsigned_jwt const& jwt, signature_algorithm algorithm, secret const& key);

// The claims of an assertion (RFC 7523 section 3).
struct assertion_content
{
    std::string_view issuer;
    // Empty: no `sub`.
    std::string_view subject;
    std::string_view audience;
    std::string_view id;
    std::chrono::system_clock::time_point issued_at;
    std::chrono::seconds lifetime{60};
    std::span<std::pair<std::string, std::string> const> further = {};
    // A valid JSON object with further claims, or empty.
    std::string_view json_claims = {};
    // `iat` and `nbf` are so far before `issued_at`.
    std::chrono::seconds backdate{0};
    // Add `nbf`.
    bool not_before = false;
    // The `typ` of the header.
    std::string_view type = "JWT";
};

unsigned_jwt assertion_jwt(assertion_content const& content, private_key const& key);
// The same for HS256, HS384 or HS512.
unsigned_jwt assertion_jwt(assertion_content const& content, signature_algorithm algorithm);

// The claims of a DPoP proof (RFC 9449 section 4.2).
struct proof_content
{
    std::string_view method;
    // Without query and fragment.
    std::string_view url;
    std::string_view id;
    std::chrono::system_clock::time_point issued_at;
    // The server's last nonce. Empty: none.
    std::string_view nonce;
    // The token in the request to a resource server. Empty: none, as for a token endpoint.
    std::string_view access_token;
};

unsigned_jwt proof_jwt(proof_content const& content, private_key const& key);

} // namespace coauth::crypto

#endif
