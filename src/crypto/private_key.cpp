#include "crypto/private_key.hpp"

#include "crypto/jwt.hpp"
#include "crypto/openssl_memory.hpp"
#include "crypto/pem.hpp"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <new>
#include <optional>
#include <vector>

namespace coauth::protocol
{
namespace
{

using enum signature_algorithm;

using pem::pem_error;

using crypto::openssl_ptr;

std::string curve_of(EVP_PKEY* key)
{
    std::array<char, 80> name{};
    std::size_t size = 0;
    if (EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) != 1)
        ERR_clear_error();
    return {name.data(), size};
}

// What a key may sign by, the default first; empty: it is of a kind that is not understood.
std::vector<signature_algorithm> algorithms_of(EVP_PKEY* key)
{
    switch (EVP_PKEY_get_base_id(key))
    {
    case EVP_PKEY_RSA:
        return {rs256, rs384, rs512, ps256, ps384, ps512};
    case EVP_PKEY_ED25519:
        return {eddsa, ed25519};
    case EVP_PKEY_EC:
    {
        auto const curve = curve_of(key);
        if (curve == "prime256v1")
            return {es256};
        if (curve == "secp384r1")
            return {es384};
        if (curve == "secp521r1")
            return {es512};
        return {};
    }
    default:
        return {};
    }
}

result<std::vector<signature_algorithm>>
choose_algorithm(EVP_PKEY* key, std::optional<signature_algorithm> wanted, std::string const& what)
{
    auto fit = algorithms_of(key);
    if (fit.empty())
        return pem_error(
            what + " is of a kind that is not supported; give an RSA, P-256, P-384, P-521 or "
                   "Ed25519 key");
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) < 2048)
        return pem_error(
            what + " is an RSA key of " + std::to_string(EVP_PKEY_get_bits(key)) +
            " bits; it must have at least 2048 (RFC 7518 section 3.3)");
    if (!wanted)
        return fit;
    if (std::find(fit.begin(), fit.end(), *wanted) != fit.end())
        return std::vector<signature_algorithm>{*wanted};
    std::string names;
    for (auto const one : fit)
        names.append(names.empty() ? "" : ", ").append(to_string(one));
    return pem_error(
        what + " does not fit the algorithm " + std::string(to_string(*wanted)) + "; it signs by " +
        names);
}

// A number as `size` bytes, or as few as it takes.
std::string number_of(EVP_PKEY* key, char const* name, std::size_t size = 0)
{
    BIGNUM* raw = nullptr;
    if (EVP_PKEY_get_bn_param(key, name, &raw) != 1)
        throw std::bad_alloc();
    openssl_ptr<BIGNUM> const number(raw);
    std::string bytes(std::max(size, static_cast<std::size_t>(BN_num_bytes(raw))), '\0');
    BN_bn2binpad(
        raw, reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    return bytes;
}

// RFC 7638 section 3: the required members, in this order, and nothing else.
std::string public_jwk_of(EVP_PKEY* key, signature_algorithm algorithm)
{
    if (algorithm == eddsa || algorithm == ed25519)
    {
        std::array<unsigned char, 32> x{};
        std::size_t size = x.size();
        if (EVP_PKEY_get_raw_public_key(key, x.data(), &size) != 1)
            throw std::bad_alloc();
        return R"({"crv":"Ed25519","kty":"OKP","x":")" +
               base64url(std::string(x.begin(), x.end())) + "\"}";
    }
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
        return R"({"e":")" + base64url(number_of(key, OSSL_PKEY_PARAM_RSA_E)) +
               R"(","kty":"RSA","n":")" + base64url(number_of(key, OSSL_PKEY_PARAM_RSA_N)) + "\"}";
    std::string const curve = algorithm == es256 ? "P-256" : algorithm == es384 ? "P-384" : "P-521";
    std::size_t const size = algorithm == es256 ? 32 : algorithm == es384 ? 48 : 66;
    return R"({"crv":")" + curve + R"(","kty":"EC","x":")" +
           base64url(number_of(key, OSSL_PKEY_PARAM_EC_PUB_X, size)) + R"(","y":")" +
           base64url(number_of(key, OSSL_PKEY_PARAM_EC_PUB_Y, size)) + "\"}";
}

// PEM text; empty: there is none.
result<secret> certificate_of(signing_key::description const& given, std::string const& what)
{
    auto const& path = given.certificate_path;
    if (path.empty())
        return secret(given.certificate_pem);
    if (!given.certificate_pem.empty())
        return pem_error(
            what + ": its certificate is given twice, as PEM text and as a file; give one");
    // Such a path must not get into a message.
    if (path.find("-----BEGIN") != std::string::npos)
        return pem_error(
            what + ": its certificate is PEM text where a path belongs; use "
                   "signing_key::certificate_pem");
    return pem::read_file(path, what + ": its certificate '" + path + "'");
}

// `x5t#S256` of the certificate, which has to be the key's.
result<std::string> certificate_thumbprint_of(
    std::string_view text, EVP_PKEY* key, std::chrono::system_clock::time_point now,
    std::string const& what)
{
    forget_failures();
    auto const bio = pem::memory_bio(text);
    pem::openssl_ptr<X509> const certificate(
        bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr);
    if (!certificate)
        return pem_error(
            what + ": its certificate is no PEM certificate; it must contain -----BEGIN "
                   "CERTIFICATE-----");
    if (key != nullptr && X509_check_private_key(certificate.get(), key) != 1)
        return pem_error(what + ": its certificate is that of another key");
    auto const seconds = std::chrono::system_clock::to_time_t(now);
    if (ASN1_TIME_cmp_time_t(X509_get0_notAfter(certificate.get()), seconds) < 0)
        return pem_error(what + ": its certificate has expired; give the one that replaced it");
    if (ASN1_TIME_cmp_time_t(X509_get0_notBefore(certificate.get()), seconds) > 0)
        return pem_error(what + ": its certificate is not valid yet; check the clock");
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (X509_digest(certificate.get(), EVP_sha256(), digest.data(), &size) != 1)
        throw std::bad_alloc();
    return base64url(std::string(digest.begin(), digest.begin() + size));
}

EVP_MD const* digest_of(signature_algorithm algorithm)
{
    switch (algorithm)
    {
    case rs384:
    case ps384:
    case es384:
        return EVP_sha384();
    case rs512:
    case ps512:
    case es512:
        return EVP_sha512();
    case eddsa:
    case ed25519:
        return nullptr;
    default:
        return EVP_sha256();
    }
}

bool is_pss(signature_algorithm algorithm)
{
    return algorithm == ps256 || algorithm == ps384 || algorithm == ps512;
}

// How long r and s are each; 0: it signs by no curve of these.
std::size_t coordinate_size(signature_algorithm algorithm)
{
    switch (algorithm)
    {
    case es256:
        return 32;
    case es384:
        return 48;
    case es512:
        return 66;
    default:
        return 0;
    }
}

// r and s, one after the other, each as long as the curve (RFC 7518 section 3.4), of the DER that
// OpenSSL and others give. Empty: it is no such DER.
secret ecdsa_der_to_raw(std::string_view der, signature_algorithm algorithm)
{
    auto const* bytes = reinterpret_cast<unsigned char const*>(der.data());
    auto const* const end = bytes + der.size();
    forget_failures();
    openssl_ptr<ECDSA_SIG> const parsed(
        d2i_ECDSA_SIG(nullptr, &bytes, static_cast<long>(der.size())));
    if (!parsed || bytes != end)
    {
        throw_if_lacked_memory();
        return {};
    }
    auto const size = static_cast<int>(coordinate_size(algorithm));
    std::array<unsigned char, 132> both{};
    bool const fits =
        BN_bn2binpad(ECDSA_SIG_get0_r(parsed.get()), both.data(), size) == size &&
        BN_bn2binpad(ECDSA_SIG_get0_s(parsed.get()), both.data() + size, size) == size;
    ERR_clear_error();
    secret made;
    if (fits)
        made.append({reinterpret_cast<char const*>(both.data()), 2 * coordinate_size(algorithm)});
    wipe(both.data(), both.size());
    return made;
}

} // namespace

void private_key::free_key::operator()(EVP_PKEY* key) const noexcept
{
    EVP_PKEY_free(key);
}

private_key::~private_key() = default;

result<std::shared_ptr<private_key const>> private_key::load(
    signing_key const& from, std::string_view whose, std::chrono::system_clock::time_point now)
{
    std::string what(whose);
    auto const* const given = from.given();
    if (given == nullptr)
        return pem_error(what + " is empty; use signing_key::pem_file or another of its functions");
    // Such a path must not get into a message.
    if (given->path.find("-----BEGIN") != std::string::npos)
        return pem_error(what + " is PEM text where a path belongs; use signing_key::pem");
    if (!given->path.empty())
        what += " '" + given->path + "'";
    std::shared_ptr<private_key> made(new private_key());
    made->key_id_ = given->key_id;
    made->sign_ = given->sign;
    if (made->sign_)
    {
        made->algorithms_ = {given->algorithm.value_or(rs256)};
        if (made->algorithm() <= hs512)
            return pem_error(
                what + " is a function, which signs by no HMAC; name another algorithm");
    }
    else
    {
        auto const text =
            given->path.empty() ? result<secret>(given->pem) : pem::read_file(given->path, what);
        if (!text)
            return text.error();
        auto key = pem::read_key(
            text->view(), given->passphrase, what, "the function that yields the pass-phrase");
        if (!key)
            return key.error();
        forget_failures();
        auto algorithms = choose_algorithm(key->get(), given->algorithm, what);
        if (!algorithms)
            return algorithms.error();
        made->algorithms_ = std::move(*algorithms);
        made->key_.reset(key->release());
        made->jwk_ = public_jwk_of(made->key_.get(), made->algorithm());
        made->thumbprint_ = base64url(sha256(made->jwk_));
    }
    auto const certificate = certificate_of(*given, what);
    if (!certificate)
        return certificate.error();
    if (!certificate->empty())
    {
        auto thumbprint =
            certificate_thumbprint_of(certificate->view(), made->key_.get(), now, what);
        if (!thumbprint)
            return thumbprint.error();
        made->x5t_ = std::move(*thumbprint);
    }
    ERR_clear_error();
    return std::shared_ptr<private_key const>(std::move(made));
}

result<secret> private_key::sign(std::string_view input) const
{
    auto const by = algorithm();
    forget_failures();
    openssl_ptr<EVP_MD_CTX> const context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* settings = nullptr;
    auto const* const bytes = reinterpret_cast<unsigned char const*>(input.data());
    bool good =
        context && key_ &&
        EVP_DigestSignInit(context.get(), &settings, digest_of(by), nullptr, key_.get()) == 1;
    if (good && is_pss(by))
        good = EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST) == 1;
    std::size_t size = 0;
    good = good && EVP_DigestSign(context.get(), nullptr, &size, bytes, input.size()) == 1;
    std::vector<unsigned char, wiping_allocator<unsigned char>> made(size);
    good = good && EVP_DigestSign(context.get(), made.data(), &size, bytes, input.size()) == 1;
    secret signature;
    // Without memory OpenSSL 3.0 signs an elliptic curve's with success, and says 0 or -1 bytes.
    if (good && size <= made.size())
        signature = secret(std::string_view(reinterpret_cast<char const*>(made.data()), size));
    if (!signature.empty() && coordinate_size(by) != 0)
        signature = ecdsa_der_to_raw(signature.view(), by);
    if (signature.empty())
        return pem_error("the key could not sign by " + std::string(to_string(by)));
    return signature;
}

result<secret> signature_of_signer(signature_algorithm by, result<std::string> given)
{
    if (!given)
        return given.error();
    secret signature(std::move(*given));
    if (signature.empty())
        return pem_error("the signer of client assertions gave an empty signature");
    auto const half = coordinate_size(by);
    if (half == 0 || signature.size() == 2 * half)
        return signature;
    auto converted = ecdsa_der_to_raw(signature.view(), by);
    if (converted.empty())
        return pem_error(
            "the signer of client assertions gave a signature of " +
            std::to_string(signature.size()) + " bytes for " + std::string(to_string(by)) +
            "; it must be r and s side by side, " + std::to_string(2 * half) +
            " bytes in all, or DER of the same curve");
    return converted;
}

} // namespace coauth::protocol
