#include "testing/signature.hpp"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>

namespace coauth::testing
{

namespace
{

enum class family
{
    hmac,
    rsa,
    pss,
    ecdsa,
    eddsa,
};

struct scheme
{
    std::string_view name;
    family kind;
    EVP_MD const* (*digest)();
    // For ECDSA: OpenSSL's name of the curve, and the number of bytes of a coordinate.
    std::string_view curve = {};
    std::size_t size = 0;
};

EVP_MD const* no_digest()
{
    return nullptr;
}

constexpr scheme schemes[] = {
    {"HS256", family::hmac, EVP_sha256},
    {"HS384", family::hmac, EVP_sha384},
    {"HS512", family::hmac, EVP_sha512},
    {"RS256", family::rsa, EVP_sha256},
    {"RS384", family::rsa, EVP_sha384},
    {"RS512", family::rsa, EVP_sha512},
    {"PS256", family::pss, EVP_sha256},
    {"PS384", family::pss, EVP_sha384},
    {"PS512", family::pss, EVP_sha512},
    {"ES256", family::ecdsa, EVP_sha256, "prime256v1", 32},
    {"ES384", family::ecdsa, EVP_sha384, "secp384r1", 48},
    {"ES512", family::ecdsa, EVP_sha512, "secp521r1", 66},
    {"EdDSA", family::eddsa, no_digest},
    {"Ed25519", family::eddsa, no_digest},
};

scheme const* find_scheme(std::string_view name)
{
    auto const found = std::find_if(
        std::begin(schemes), std::end(schemes), [&](scheme const& s) { return s.name == name; });
    return found == std::end(schemes) ? nullptr : found;
}

std::vector<std::string_view> names(bool of_hmac)
{
    std::vector<std::string_view> found;
    for (auto const& each : schemes)
        if ((each.kind == family::hmac) == of_hmac)
            found.push_back(each.name);
    return found;
}

unsigned char const* bytes(std::string_view text)
{
    return reinterpret_cast<unsigned char const*>(text.data());
}

bool is_on_curve(EVP_PKEY& key, std::string_view curve)
{
    std::array<char, 64> name{};
    std::size_t size = 0;
    return EVP_PKEY_get_base_id(&key) == EVP_PKEY_EC &&
           EVP_PKEY_get_group_name(&key, name.data(), name.size(), &size) == 1 &&
           std::string_view(name.data(), size) == curve;
}

bool fits(scheme const& algorithm, EVP_PKEY& key)
{
    switch (algorithm.kind)
    {
    case family::hmac:
        return false;
    case family::rsa:
    case family::pss:
        return EVP_PKEY_get_base_id(&key) == EVP_PKEY_RSA;
    case family::ecdsa:
        return is_on_curve(key, algorithm.curve);
    case family::eddsa:
        return EVP_PKEY_get_base_id(&key) == EVP_PKEY_ED25519;
    }
    return false;
}

// Converts r and s, one after the other (RFC 7518 section 3.4), to the DER form that OpenSSL
// verifies.
std::string to_der(std::string_view r_and_s, std::size_t size)
{
    openssl_ptr<ECDSA_SIG> const both(ECDSA_SIG_new());
    openssl_ptr<BIGNUM> r(BN_bin2bn(bytes(r_and_s), static_cast<int>(size), nullptr));
    openssl_ptr<BIGNUM> s(BN_bin2bn(bytes(r_and_s) + size, static_cast<int>(size), nullptr));
    if (!both || !r || !s || ECDSA_SIG_set0(both.get(), r.get(), s.get()) != 1)
        return {};
    r.release();
    s.release();
    unsigned char* der = nullptr;
    int const length = i2d_ECDSA_SIG(both.get(), &der);
    if (length <= 0)
        return {};
    std::string result(reinterpret_cast<char const*>(der), static_cast<std::size_t>(length));
    OPENSSL_free(der);
    return result;
}

bool set_padding(scheme const& algorithm, EVP_PKEY_CTX* context)
{
    return algorithm.kind != family::pss ||
           (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
            EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1);
}

} // namespace

std::vector<std::string_view> const& hmac_algorithms()
{
    static auto const all = names(true);
    return all;
}

std::vector<std::string_view> const& key_algorithms()
{
    static auto const all = names(false);
    return all;
}

bool verify_hmac(
    std::string_view algorithm, std::string_view secret, std::string_view text,
    std::string_view tag)
{
    auto const* const match = find_scheme(algorithm);
    if (!match || match->kind != family::hmac)
        return false;
    std::array<unsigned char, EVP_MAX_MD_SIZE> computed{};
    unsigned size = 0;
    return HMAC(
               match->digest(), secret.data(), static_cast<int>(secret.size()), bytes(text),
               text.size(), computed.data(), &size) != nullptr &&
           tag.size() == size && CRYPTO_memcmp(computed.data(), tag.data(), size) == 0;
}

bool verify_signature(
    std::string_view algorithm, EVP_PKEY& key, std::string_view text, std::string_view signature)
{
    auto const* const match = find_scheme(algorithm);
    if (!match || !fits(*match, key))
        return false;
    std::string der;
    if (match->kind == family::ecdsa)
    {
        if (signature.size() != 2 * match->size)
            return false;
        der = to_der(signature, match->size);
        signature = der;
    }
    openssl_ptr<EVP_MD_CTX> const context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* padding = nullptr;
    return context &&
           EVP_DigestVerifyInit(context.get(), &padding, match->digest(), nullptr, &key) == 1 &&
           set_padding(*match, padding) &&
           EVP_DigestVerify(
               context.get(), bytes(signature), signature.size(), bytes(text), text.size()) == 1;
}

std::string sign_es256(EVP_PKEY& key, std::string_view text)
{
    openssl_ptr<EVP_MD_CTX> const context(EVP_MD_CTX_new());
    std::array<unsigned char, 80> der{};
    std::size_t size = der.size();
    if (!context || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, &key) != 1 ||
        EVP_DigestSign(context.get(), der.data(), &size, bytes(text), text.size()) != 1)
        return {};
    unsigned char const* begin = der.data();
    openssl_ptr<ECDSA_SIG> const both(d2i_ECDSA_SIG(nullptr, &begin, static_cast<long>(size)));
    std::string raw(64, '\0');
    auto* const out = reinterpret_cast<unsigned char*>(raw.data());
    if (!both || BN_bn2binpad(ECDSA_SIG_get0_r(both.get()), out, 32) != 32 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(both.get()), out + 32, 32) != 32)
        return {};
    return raw;
}

} // namespace coauth::testing
