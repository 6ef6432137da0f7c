#include "testing/dpop.hpp"

#include "testing/encoding.hpp"
#include "testing/jwt.hpp"
#include "testing/public_key.hpp"
#include "testing/signature.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

namespace coauth::testing
{

namespace
{

namespace json = boost::json;

constexpr double max_age = 300;

std::optional<jwt> read_proof(received_request const& request)
{
    return read_jwt(request.headers.find("DPoP").value_or(""));
}

// Null: the proof has no key.
json::object const* find_jwk(jwt const& proof)
{
    auto const* const jwk = proof.header.if_contains("jwk");
    return jwk ? jwk->if_object() : nullptr;
}

failure invalid_proof(char const* description)
{
    return oauth_failure("invalid_dpop_proof", description);
}

char const* check_key(jwt const& proof)
{
    if (text_member(proof.header, "typ") != "dpop+jwt")
        return "The type of the proof is not dpop+jwt (typ).";
    auto const& known = key_algorithms();
    auto const algorithm = text_member(proof.header, "alg");
    if (std::find(known.begin(), known.end(), algorithm) == known.end())
        return "The algorithm of the proof is not a known asymmetric one (alg).";
    auto const* const jwk = find_jwk(proof);
    if (!jwk)
        return "The proof has no key (jwk).";
    if (has_private_member(*jwk))
        return "The proof contains a private key (jwk).";
    auto const key = read_jwk(*jwk);
    if (!key)
        return "The key of the proof is invalid or of an unknown type (jwk).";
    if (!verify_signature(algorithm, *key, proof.signing_input, proof.signature))
        return "The signature of the proof is wrong.";
    return nullptr;
}

std::string hash_of(std::string const& token)
{
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<unsigned char const*>(token.data()), token.size(), digest.data());
    return encode_base64url(std::string(digest.begin(), digest.end()));
}

// `token_hash`: of the access token in the request. Empty: it has none.
char const* check_claims(
    server_state const& server, received_request const& request, jwt const& proof,
    std::string const& token_hash)
{
    if (text_member(proof.claims, "htm") != request.method)
        return "The proof is for another method (htm).";
    auto const urls = server.urls(request.target.substr(0, request.target.find('?')));
    if (std::find(urls.begin(), urls.end(), text_member(proof.claims, "htu")) == urls.end())
        return "The proof is for another URL (htu).";
    using seconds = std::chrono::duration<double>;
    double const now = seconds(std::chrono::system_clock::now().time_since_epoch()).count();
    auto const issued = number_member(proof.claims, "iat");
    if (!issued || std::abs(now - *issued) > max_age)
        return "The proof was not made within 5 minutes of now (iat).";
    if (token_hash.empty() && proof.claims.contains("ath"))
        return "The proof is for an access token, but the request has none (ath).";
    if (text_member(proof.claims, "ath") != token_hash)
        return "The proof is for another access token (ath).";
    if (text_member(proof.claims, "jti").empty())
        return "The proof has no identifier (jti).";
    return nullptr;
}

checked<std::string> check_present_proof(
    server_state& server, received_request const& request, std::string const& token_hash = {})
{
    auto const proof = read_proof(request);
    if (!proof)
        return invalid_proof("The proof is not a JSON Web Token.");
    if (auto const* const problem = check_key(*proof))
        return invalid_proof(problem);
    if (auto const* const problem = check_claims(server, request, *proof, token_hash))
        return invalid_proof(problem);
    if (text_member(proof->claims, "nonce") != server.nonce)
        return oauth_failure(
            "use_dpop_nonce", "The proof needs the nonce in this response (nonce).");
    auto thumbprint = jwk_thumbprint(*find_jwk(*proof));
    if (!server.is_first_use("DPoP " + thumbprint, text_member(proof->claims, "jti")))
        return invalid_proof("The proof was used before (jti).");
    return thumbprint;
}

} // namespace

std::string proof_key_thumbprint(received_request const& request)
{
    auto const proof = read_proof(request);
    auto const* const jwk = proof ? find_jwk(*proof) : nullptr;
    return jwk ? jwk_thumbprint(*jwk) : std::string();
}

checked<std::string> check_proof(server_state& server, received_request const& request)
{
    auto const mode = server.options.dpop;
    auto const count = mode == dpop::off ? 0 : request.headers.count("DPoP");
    if (count == 1)
        return check_present_proof(server, request);
    if (count > 1)
        return invalid_proof("There is more than one proof.");
    if (mode == dpop::required)
        return invalid_proof("A proof is required (DPoP).");
    return std::string();
}

checked<std::string>
check_api_proof(server_state& server, received_request const& request, std::string const& token)
{
    if (request.headers.count("DPoP") != 1)
        return invalid_proof("The token needs exactly one proof (DPoP).");
    return check_present_proof(server, request, hash_of(token));
}

} // namespace coauth::testing
