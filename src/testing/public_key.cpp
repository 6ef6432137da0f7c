#include "testing/public_key.hpp"

#include "testing/encoding.hpp"
#include "testing/jwt.hpp"

#include <boost/json/serialize.hpp>

#include <openssl/core_names.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <vector>

namespace coauth::testing
{

namespace
{

namespace json = boost::json;

unsigned char const* bytes(std::string const& text)
{
    return reinterpret_cast<unsigned char const*>(text.data());
}

// The bytes of a member. None if it is missing or empty.
std::optional<std::string> bytes_member(json::object const& jwk, char const* name)
{
    auto found = decode_base64url(text_member(jwk, name));
    return found && !found->empty() ? found : std::nullopt;
}

openssl_ptr<BIGNUM> number(std::string const& big_endian)
{
    return openssl_ptr<BIGNUM>(
        BN_bin2bn(bytes(big_endian), static_cast<int>(big_endian.size()), nullptr));
}

openssl_ptr<EVP_PKEY> make_key(char const* type, OSSL_PARAM_BLD& builder)
{
    openssl_ptr<OSSL_PARAM> const parameters(OSSL_PARAM_BLD_to_param(&builder));
    openssl_ptr<EVP_PKEY_CTX> const context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
    EVP_PKEY* key = nullptr;
    if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1)
        return nullptr;
    return openssl_ptr<EVP_PKEY>(key);
}

openssl_ptr<EVP_PKEY> read_rsa(json::object const& jwk)
{
    auto const n = bytes_member(jwk, "n");
    auto const e = bytes_member(jwk, "e");
    openssl_ptr<OSSL_PARAM_BLD> const parts(OSSL_PARAM_BLD_new());
    if (!n || !e || !parts)
        return nullptr;
    auto const modulus = number(*n);
    auto const exponent = number(*e);
    if (OSSL_PARAM_BLD_push_BN(parts.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(parts.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1)
        return nullptr;
    return make_key("RSA", *parts);
}

struct curve
{
    std::string_view name;
    char const* group;
    std::size_t size;
};

constexpr curve curves[] = {
    {"P-256", "prime256v1", 32}, {"P-384", "secp384r1", 48}, {"P-521", "secp521r1", 66}};

openssl_ptr<EVP_PKEY> read_ec(json::object const& jwk)
{
    auto const name = text_member(jwk, "crv");
    auto const* const match = std::find_if(
        std::begin(curves), std::end(curves), [&](curve const& c) { return c.name == name; });
    auto const x = bytes_member(jwk, "x");
    auto const y = bytes_member(jwk, "y");
    openssl_ptr<OSSL_PARAM_BLD> const parts(OSSL_PARAM_BLD_new());
    if (match == std::end(curves) || !x || !y || x->size() != match->size ||
        y->size() != match->size || !parts)
        return nullptr;
    // Uncompressed form (SEC 1 section 2.3.3).
    std::string const point = "\x04" + *x + *y;
    if (OSSL_PARAM_BLD_push_utf8_string(parts.get(), OSSL_PKEY_PARAM_GROUP_NAME, match->group, 0) !=
            1 ||
        OSSL_PARAM_BLD_push_octet_string(
            parts.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1)
        return nullptr;
    return make_key("EC", *parts);
}

openssl_ptr<EVP_PKEY> read_okp(json::object const& jwk)
{
    auto const x = bytes_member(jwk, "x");
    if (text_member(jwk, "crv") != "Ed25519" || !x)
        return nullptr;
    return openssl_ptr<EVP_PKEY>(
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes(*x), x->size()));
}

// The required members of a key (RFC 7638 section 3.2), in the order of their names.
std::vector<char const*> required_members(std::string_view type)
{
    if (type == "RSA")
        return {"e", "kty", "n"};
    if (type == "EC")
        return {"crv", "kty", "x", "y"};
    if (type == "OKP")
        return {"crv", "kty", "x"};
    return {};
}

} // namespace

openssl_ptr<X509> read_certificate_pem(std::string const& text)
{
    return openssl_ptr<X509>(PEM_read_bio_X509(memory_bio(text).get(), nullptr, nullptr, nullptr));
}

openssl_ptr<EVP_PKEY> read_public_pem(std::string const& text)
{
    if (auto const certificate = read_certificate_pem(text))
        return openssl_ptr<EVP_PKEY>(X509_get_pubkey(certificate.get()));
    return openssl_ptr<EVP_PKEY>(
        PEM_read_bio_PUBKEY(memory_bio(text).get(), nullptr, nullptr, nullptr));
}

openssl_ptr<EVP_PKEY> read_jwk(json::object const& jwk)
{
    auto const type = text_member(jwk, "kty");
    if (type == "RSA")
        return read_rsa(jwk);
    if (type == "EC")
        return read_ec(jwk);
    if (type == "OKP")
        return read_okp(jwk);
    return nullptr;
}

json::object p256_jwk(EVP_PKEY& key)
{
    json::object jwk;
    jwk["kty"] = "EC";
    jwk["crv"] = "P-256";
    for (auto const& [member, name] :
         {std::pair("x", OSSL_PKEY_PARAM_EC_PUB_X), {"y", OSSL_PKEY_PARAM_EC_PUB_Y}})
    {
        BIGNUM* raw = nullptr;
        (void)EVP_PKEY_get_bn_param(&key, name, &raw);
        openssl_ptr<BIGNUM> const number(raw);
        std::string coordinate(32, '\0');
        BN_bn2binpad(raw, reinterpret_cast<unsigned char*>(coordinate.data()), 32);
        jwk[member] = encode_base64url(coordinate);
    }
    return jwk;
}

bool has_private_member(json::object const& jwk)
{
    auto const names = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
    return std::any_of(
        names.begin(), names.end(), [&](char const* name) { return jwk.contains(name); });
}

std::string jwk_thumbprint(json::object const& jwk)
{
    std::string text;
    for (char const* const name : required_members(text_member(jwk, "kty")))
        text += (text.empty() ? "{\"" : ",\"") + std::string(name) +
                "\":" + json::serialize(json::string(text_member(jwk, name)));
    if (text.empty())
        return {};
    text += '}';
    std::array<unsigned char, 32> digest{};
    if (EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1)
        return {};
    return encode_base64url({reinterpret_cast<char const*>(digest.data()), digest.size()});
}

} // namespace coauth::testing
