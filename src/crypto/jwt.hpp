#ifndef COAUTH_SRC_CRYPTO_JWT_HPP
#define COAUTH_SRC_CRYPTO_JWT_HPP

#include <coauth/client_config.hpp>
#include <coauth/secret.hpp>
#include <coauth/signing_key.hpp>

#include "crypto/private_key.hpp"

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace coauth::protocol
{

// RFC 4648 section 5, without padding.
std::string base64url(std::string_view bytes);
void append_base64url(secret& out, std::string_view bytes);
// SHA-256, its bytes as they are.
std::string sha256(std::string_view bytes);
// A `jti`: 128 random bits; or errc::random_failed.
result<std::string> unique_id();

// What an assertion says (RFC 7523 section 3).
struct assertion_claims
{
    std::string_view issuer;
    // Empty: it does not say.
    std::string_view subject;
    std::string_view audience;
    std::string_view id;
    std::chrono::system_clock::time_point issued_at;
    std::chrono::seconds lifetime{60};
    std::span<std::pair<std::string, std::string> const> further = {};
    // The `typ` of the header.
    std::string_view type = "JWT";
};

// To whom a client assertion is made out that goes to this URL.
std::string_view audience_of(client_config const& config, std::string_view url);

// What has to be signed: header and claims, each in base64url, and a dot between.
secret jws_signing_input(private_key const& by, assertion_claims const& claims);
// The same for HS256, HS384 or HS512.
secret jws_signing_input(signature_algorithm by, assertion_claims const& claims);

// What a DPoP proof says (RFC 9449 section 4.2).
struct proof_claims
{
    std::string_view method;
    // Without query and fragment.
    std::string_view url;
    std::string_view id;
    std::chrono::system_clock::time_point issued_at;
    // The server's last nonce; empty: none.
    std::string_view nonce;
    // Of the token that it goes with, to a resource server; empty: to a token endpoint.
    std::string_view access_token;
};

secret dpop_signing_input(private_key const& by, proof_claims const& claims);

// The bytes of a HMAC by HS256, HS384 or HS512.
result<secret> hmac(signature_algorithm by, secret const& key, std::string_view input);

// The signed token: the input, a dot, and the signature in base64url.
secret jws_compact(std::string_view input, std::string_view signature);

} // namespace coauth::protocol

#endif
