#include "crypto/jwk.hpp"

#include "crypto/ecdsa_signature.hpp"
#include "values/encoding.hpp"

#include <openssl/core_names.h>

#include <algorithm>
#include <array>
#include <new>

namespace coauth::crypto
{
namespace
{

using enum signature_algorithm;

// A number of the key in base64url, of at least `size` bytes.
std::string encoded_number(EVP_PKEY* key, char const* name, std::size_t size = 0)
{
    BIGNUM* raw = nullptr;
    if (EVP_PKEY_get_bn_param(key, name, &raw) != 1)
        throw std::bad_alloc();
    openssl_ptr<BIGNUM> const number(raw);
    std::string bytes(std::max(size, static_cast<std::size_t>(BN_num_bytes(raw))), '\0');
    BN_bn2binpad(
        raw, reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    return detail::base64url(bytes);
}

std::string curve_name(signature_algorithm algorithm)
{
    return algorithm == es256 ? "P-256" : algorithm == es384 ? "P-384" : "P-521";
}

} // namespace

std::string public_jwk(EVP_PKEY* key, signature_algorithm algorithm)
{
    if (algorithm == eddsa || algorithm == ed25519)
    {
        std::array<unsigned char, 32> x{};
        std::size_t size = x.size();
        if (EVP_PKEY_get_raw_public_key(key, x.data(), &size) != 1)
            throw std::bad_alloc();
        return R"({"crv":"Ed25519","kty":"OKP","x":")" +
               detail::base64url({reinterpret_cast<char const*>(x.data()), size}) + "\"}";
    }
    auto const size = coordinate_size(algorithm);
    if (size == 0)
        return R"({"e":")" + encoded_number(key, OSSL_PKEY_PARAM_RSA_E) + R"(","kty":"RSA","n":")" +
               encoded_number(key, OSSL_PKEY_PARAM_RSA_N) + "\"}";
    return R"({"crv":")" + curve_name(algorithm) + R"(","kty":"EC","x":")" +
           encoded_number(key, OSSL_PKEY_PARAM_EC_PUB_X, size) + R"(","y":")" +
           encoded_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, size) + "\"}";
}

} // namespace coauth::crypto
