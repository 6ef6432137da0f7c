#include "crypto/verify_signature.hpp"

#include "crypto/algorithm_digest.hpp"
#include "crypto/ecdsa_signature.hpp"
#include "crypto/openssl_error.hpp"

#include <array>

namespace coauth::crypto
{
namespace
{

using enum signature_algorithm;

bool is_on_curve(EVP_PKEY* key, std::string_view curve)
{
    std::array<char, 80> name{};
    std::size_t size = 0;
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
           EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) == 1 &&
           std::string_view(name.data(), size) == curve;
}

bool fits(EVP_PKEY* key, signature_algorithm algorithm)
{
    int const id = EVP_PKEY_get_base_id(key);
    // RFC 7518 section 3.3.
    bool const is_strong_rsa = EVP_PKEY_get_bits(key) >= 2048;
    switch (algorithm)
    {
    case hs256:
    case hs384:
    case hs512:
        return false;
    case rs256:
    case rs384:
    case rs512:
        return id == EVP_PKEY_RSA && is_strong_rsa;
    case ps256:
    case ps384:
    case ps512:
        return (id == EVP_PKEY_RSA || id == EVP_PKEY_RSA_PSS) && is_strong_rsa;
    case es256:
        return is_on_curve(key, "prime256v1");
    case es384:
        return is_on_curve(key, "secp384r1");
    case es512:
        return is_on_curve(key, "secp521r1");
    case eddsa:
    case ed25519:
        return id == EVP_PKEY_ED25519;
    }
    return false;
}

} // namespace

bool verify_signature(
    EVP_PKEY* key, signature_algorithm algorithm, std::string_view text, std::string_view signature)
{
    clear_errors();
    if (!fits(key, algorithm))
    {
        throw_if_out_of_memory();
        return false;
    }
    secret der;
    if (auto const size = coordinate_size(algorithm); size != 0)
    {
        if (signature.size() != 2 * size)
            return false;
        der = ecdsa_raw_to_der(signature);
        signature = der.view();
    }
    openssl_ptr<EVP_MD_CTX> const context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* options = nullptr;
    auto const bytes = [](std::string_view from)
    { return reinterpret_cast<unsigned char const*>(from.data()); };
    bool const verified =
        context &&
        EVP_DigestVerifyInit(context.get(), &options, digest_for(algorithm), nullptr, key) == 1 &&
        set_padding(algorithm, options) &&
        EVP_DigestVerify(
            context.get(), bytes(signature), signature.size(), bytes(text), text.size()) == 1;
    if (!verified)
        throw_if_out_of_memory();
    ERR_clear_error();
    return verified;
}

} // namespace coauth::crypto
