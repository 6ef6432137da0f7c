#include "crypto/jwk.hpp"
#include "crypto/openssl_error.hpp"
#include "crypto/pem.hpp"
#include "values/encoding.hpp"
#include "values/json_document.hpp"

#include <openssl/core_names.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

namespace coauth::crypto
{
namespace
{

unsigned char const* bytes_of(secret const& value)
{
    return reinterpret_cast<unsigned char const*>(value.view().data());
}

// The text of a string member. Empty: there is none.
std::string_view text_of(detail::json_document const& jwk, std::string_view name)
{
    return jwk.find(name).as_string().value_or(std::string_view());
}

// Collects the parameters of a key, and owns its numbers.
class key_parameters
{
public:
    key_parameters() : builder_(OSSL_PARAM_BLD_new()) {}

    // False: the member is no number.
    bool number(char const* name, std::string_view encoded)
    {
        auto const bytes = detail::decode_base64(encoded);
        if (bytes.empty() || !builder_)
            return false;
        openssl_ptr<BIGNUM> value(BN_secure_new());
        if (!value ||
            BN_bin2bn(bytes_of(bytes), static_cast<int>(bytes.size()), value.get()) == nullptr)
            return false;
        numbers_.push_back(std::move(value));
        return OSSL_PARAM_BLD_push_BN(builder_.get(), name, numbers_.back().get()) == 1;
    }

    // `value` must outlive the key.
    bool text(char const* name, char const* value)
    {
        return builder_ && OSSL_PARAM_BLD_push_utf8_string(builder_.get(), name, value, 0) == 1;
    }

    // `value` must outlive the key.
    bool octets(char const* name, secret const& value)
    {
        return builder_ && OSSL_PARAM_BLD_push_octet_string(
                               builder_.get(), name, value.view().data(), value.size()) == 1;
    }

    // Null: these are no parameters of a key of this type. `selection`: EVP_PKEY_KEYPAIR or
    // EVP_PKEY_PUBLIC_KEY.
    openssl_ptr<EVP_PKEY> make_key(char const* type, int selection)
    {
        openssl_ptr<OSSL_PARAM> const parameters(OSSL_PARAM_BLD_to_param(builder_.get()));
        openssl_ptr<EVP_PKEY_CTX> const context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
        EVP_PKEY* key = nullptr;
        if (parameters && context && EVP_PKEY_fromdata_init(context.get()) == 1)
            (void)EVP_PKEY_fromdata(context.get(), &key, selection, parameters.get());
        return openssl_ptr<EVP_PKEY>(key);
    }

private:
    openssl_ptr<OSSL_PARAM_BLD> builder_;
    std::vector<openssl_ptr<BIGNUM>> numbers_;
};

openssl_ptr<EVP_PKEY> make_rsa_key(detail::json_document const& jwk, int selection)
{
    struct parameter
    {
        char const* member;
        char const* name;
    };
    key_parameters parameters;
    for (auto const& [member, name] :
         {parameter{"n", OSSL_PKEY_PARAM_RSA_N}, parameter{"e", OSSL_PKEY_PARAM_RSA_E}})
        if (!parameters.number(name, text_of(jwk, member)))
            return nullptr;
    if (selection == EVP_PKEY_PUBLIC_KEY)
        return parameters.make_key("RSA", selection);
    if (!parameters.number(OSSL_PKEY_PARAM_RSA_D, text_of(jwk, "d")))
        return nullptr;
    // Optional, and either all or none of them (RFC 7518 section 6.3.2).
    if (!text_of(jwk, "p").empty())
        for (auto const& [member, name] :
             {parameter{"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
              parameter{"q", OSSL_PKEY_PARAM_RSA_FACTOR2},
              parameter{"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
              parameter{"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2},
              parameter{"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1}})
            if (!parameters.number(name, text_of(jwk, member)))
                return nullptr;
    return parameters.make_key("RSA", selection);
}

// The public half must be that of the private one.
bool halves_match(EVP_PKEY* key)
{
    openssl_ptr<EVP_PKEY_CTX> const context(EVP_PKEY_CTX_new(key, nullptr));
    return context && EVP_PKEY_pairwise_check(context.get()) == 1;
}

openssl_ptr<EVP_PKEY> make_ec_key(detail::json_document const& jwk, int selection)
{
    struct curve
    {
        char const* name;
        std::size_t coordinate_size;
    };
    for (auto const& [name, size] : {curve{"P-256", 32}, curve{"P-384", 48}, curve{"P-521", 66}})
    {
        if (text_of(jwk, "crv") != name)
            continue;
        auto const x = detail::decode_base64(text_of(jwk, "x"));
        auto const y = detail::decode_base64(text_of(jwk, "y"));
        if (x.size() != size || y.size() != size)
            return nullptr;
        secret point("\x04");
        point.append(x.view()).append(y.view());
        key_parameters parameters;
        if (!parameters.text(OSSL_PKEY_PARAM_GROUP_NAME, name) ||
            !parameters.octets(OSSL_PKEY_PARAM_PUB_KEY, point))
            return nullptr;
        // OpenSSL checks that the point is on the curve.
        if (selection == EVP_PKEY_PUBLIC_KEY)
            return parameters.make_key("EC", selection);
        if (!parameters.number(OSSL_PKEY_PARAM_PRIV_KEY, text_of(jwk, "d")))
            return nullptr;
        auto key = parameters.make_key("EC", selection);
        return key && halves_match(key.get()) ? std::move(key) : nullptr;
    }
    return nullptr;
}

openssl_ptr<EVP_PKEY> make_ed25519_key(detail::json_document const& jwk)
{
    auto const d = detail::decode_base64(text_of(jwk, "d"));
    if (text_of(jwk, "crv") != "Ed25519" || d.size() != 32)
        return nullptr;
    openssl_ptr<EVP_PKEY> key(
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes_of(d), d.size()));
    auto const x = detail::decode_base64(text_of(jwk, "x"));
    std::array<unsigned char, 32> computed{};
    std::size_t size = computed.size();
    bool const matches =
        key && EVP_PKEY_get_raw_public_key(key.get(), computed.data(), &size) == 1 &&
        (x.empty() ||
         x.view() == std::string_view(reinterpret_cast<char const*>(computed.data()), size));
    return matches ? std::move(key) : nullptr;
}

openssl_ptr<EVP_PKEY> make_public_ed25519_key(detail::json_document const& jwk)
{
    auto const x = detail::decode_base64(text_of(jwk, "x"));
    if (text_of(jwk, "crv") != "Ed25519" || x.size() != 32)
        return nullptr;
    return openssl_ptr<EVP_PKEY>(
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(x), x.size()));
}

} // namespace

openssl_ptr<EVP_PKEY> read_public_jwk(detail::json_document const& jwk)
{
    auto const type = text_of(jwk, "kty");
    clear_errors();
    openssl_ptr<EVP_PKEY> key;
    if (type == "RSA")
        key = make_rsa_key(jwk, EVP_PKEY_PUBLIC_KEY);
    else if (type == "EC")
        key = make_ec_key(jwk, EVP_PKEY_PUBLIC_KEY);
    else if (type == "OKP")
        key = make_public_ed25519_key(jwk);
    if (!key)
        throw_if_out_of_memory();
    ERR_clear_error();
    return key;
}

bool is_json(std::string_view text)
{
    return text.starts_with('{');
}

result<jwk_key> read_jwk(std::string_view text, std::string const& subject)
{
    auto const jwk = detail::json_document::parse(text);
    if (!jwk)
        return pem_error(subject + " is JSON that cannot be read; give a whole JSON Web Key");
    // A set of one key (RFC 7517 section 5).
    if (auto const keys = jwk->find("keys"); keys.kind == detail::json_kind::array)
    {
        auto const only = keys.text.substr(1, keys.text.size() - 2);
        if (!detail::json_document::parse(only))
            return pem_error(
                subject + " is a set of several JSON Web Keys, or of none; give only "
                          "the key that signs");
        return read_jwk(only, subject);
    }
    auto const type = text_of(*jwk, "kty");
    if (type == "oct")
        return pem_error(
            subject + " is a symmetric JSON Web Key; give a private key, or use "
                      "client_secret_jwt with its value as the secret");
    if (type != "RSA" && type != "EC" && type != "OKP")
        return pem_error(
            subject + " is JSON, but no JSON Web Key of the type RSA, EC or OKP (kty)");
    if (text_of(*jwk, "d").empty())
        return pem_error(
            subject + " is the public half of a JSON Web Key; give the private key, which has "
                      "the member d");
    clear_errors();
    jwk_key read;
    read.key = type == "RSA"  ? make_rsa_key(*jwk, EVP_PKEY_KEYPAIR)
               : type == "EC" ? make_ec_key(*jwk, EVP_PKEY_KEYPAIR)
                              : make_ed25519_key(*jwk);
    if (!read.key)
        return pem_error(
            subject + " is a JSON Web Key that cannot be used: its members are damaged, do not fit "
                      "each other, or name a curve that is not supported");
    ERR_clear_error();
    read.key_id = std::string(text_of(*jwk, "kid"));
    read.algorithm = parse_signature_algorithm(text_of(*jwk, "alg"));
    return read;
}

} // namespace coauth::crypto
