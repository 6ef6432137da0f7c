#include "test_keys.hpp"

#include "certificates.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <array>
#include <stdexcept>
#include <vector>

namespace test
{

namespace
{

namespace json = boost::json;

void check(bool ok)
{
    if (!ok)
        throw std::runtime_error("an OpenSSL function failed");
}

unsigned char const* bytes(std::string_view text)
{
    return reinterpret_cast<unsigned char const*>(text.data());
}

std::string to_text(unsigned char const* data, std::size_t size)
{
    return {reinterpret_cast<char const*>(data), size};
}

std::shared_ptr<BIO> memory()
{
    return {BIO_new(BIO_s_mem()), BIO_free};
}

std::string text_of(BIO* bio)
{
    char* data = nullptr;
    long const size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(size)};
}

std::string digest(std::string_view text)
{
    std::array<unsigned char, 32> out{};
    check(EVP_Digest(text.data(), text.size(), out.data(), nullptr, EVP_sha256(), nullptr) == 1);
    return to_text(out.data(), out.size());
}

using key_context = std::shared_ptr<EVP_PKEY_CTX>;

key_context context_of(char const* name)
{
    return {EVP_PKEY_CTX_new_from_name(nullptr, name, nullptr), EVP_PKEY_CTX_free};
}

EVP_PKEY* generate_by(key_context const& context)
{
    EVP_PKEY* result = nullptr;
    check(EVP_PKEY_keygen_init(context.get()) == 1);
    check(EVP_PKEY_keygen(context.get(), &result) == 1);
    return result;
}

EVP_PKEY* generate_dsa()
{
    auto const context = context_of("DSA");
    EVP_PKEY* result = nullptr;
    check(EVP_PKEY_paramgen_init(context.get()) == 1);
    check(EVP_PKEY_CTX_set_dsa_paramgen_bits(context.get(), 1024) == 1);
    check(EVP_PKEY_paramgen(context.get(), &result) == 1);
    std::shared_ptr<EVP_PKEY> const parameters(result, EVP_PKEY_free);
    return generate_by({EVP_PKEY_CTX_new(result, nullptr), EVP_PKEY_CTX_free});
}

EVP_PKEY* generate(std::string const& kind)
{
    if (kind == "RSA")
        return EVP_RSA_gen(2048);
    if (kind == "RSA 1024")
        return EVP_RSA_gen(1024);
    if (kind == "DSA")
        return generate_dsa();
    if (kind == "Ed25519" || kind == "Ed448" || kind == "X25519")
        return EVP_PKEY_Q_keygen(nullptr, nullptr, kind.c_str());
    if (kind == "RSA-PSS")
        return generate_by(context_of("RSA-PSS"));
    return EVP_EC_gen(kind.c_str());
}

std::string name_of(EVP_PKEY* key)
{
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC)
        return EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA ? "RSA" : "Ed25519";
    std::array<char, 80> curve{};
    check(EVP_PKEY_get_group_name(key, curve.data(), curve.size(), nullptr) == 1);
    return EC_curve_nid2nist(OBJ_sn2nid(curve.data()));
}

std::string number(EVP_PKEY* key, char const* name)
{
    BIGNUM* found = nullptr;
    check(EVP_PKEY_get_bn_param(key, name, &found) == 1);
    std::vector<unsigned char> out(static_cast<std::size_t>(BN_num_bytes(found)));
    BN_bn2bin(found, out.data());
    BN_free(found);
    return base64url(to_text(out.data(), out.size()));
}

// The size of a coordinate in bytes.
std::size_t size_of(std::string const& curve)
{
    return curve == "P-256" ? 32 : curve == "P-384" ? 48 : 66;
}

std::string point(EVP_PKEY* key)
{
    std::array<unsigned char, 256> out{};
    std::size_t size = 0;
    check(
        EVP_PKEY_get_octet_string_param(
            key, OSSL_PKEY_PARAM_PUB_KEY, out.data(), out.size(), &size) == 1);
    return to_text(out.data(), size);
}

std::string raw_public(EVP_PKEY* key)
{
    std::array<unsigned char, 64> out{};
    std::size_t size = out.size();
    check(EVP_PKEY_get_raw_public_key(key, out.data(), &size) == 1);
    return to_text(out.data(), size);
}

EVP_MD const* digest_of(std::string_view algorithm)
{
    if (algorithm.ends_with("256"))
        return EVP_sha256();
    if (algorithm.ends_with("384"))
        return EVP_sha384();
    return algorithm.ends_with("512") ? EVP_sha512() : nullptr;
}

std::string r_and_s(std::string const& der, std::size_t size)
{
    auto const* start = bytes(der);
    std::shared_ptr<ECDSA_SIG> const both(
        d2i_ECDSA_SIG(nullptr, &start, static_cast<long>(der.size())), ECDSA_SIG_free);
    check(both != nullptr);
    std::vector<unsigned char> out(2 * size);
    check(BN_bn2binpad(ECDSA_SIG_get0_r(both.get()), out.data(), static_cast<int>(size)) > 0);
    check(
        BN_bn2binpad(ECDSA_SIG_get0_s(both.get()), out.data() + size, static_cast<int>(size)) > 0);
    return to_text(out.data(), out.size());
}

std::string der_of(std::string_view r_and_s)
{
    auto const half = r_and_s.size() / 2;
    std::shared_ptr<ECDSA_SIG> const both(ECDSA_SIG_new(), ECDSA_SIG_free);
    check(
        ECDSA_SIG_set0(
            both.get(), BN_bin2bn(bytes(r_and_s), static_cast<int>(half), nullptr),
            BN_bin2bn(bytes(r_and_s) + half, static_cast<int>(half), nullptr)) == 1);
    unsigned char* out = nullptr;
    int const size = i2d_ECDSA_SIG(both.get(), &out);
    check(size > 0);
    std::string const result = to_text(out, static_cast<std::size_t>(size));
    OPENSSL_free(out);
    return result;
}

void set_padding(EVP_PKEY_CTX* options, std::string_view algorithm)
{
    if (algorithm.starts_with("PS"))
        check(
            EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
            EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1);
}

std::string signing_input(token_draft& draft, std::string const& algorithm)
{
    draft.header["alg"] = algorithm;
    return base64url(json::serialize(draft.header)) + "." +
           base64url(json::serialize(draft.claims));
}

std::shared_ptr<X509> read_certificate(std::string const& pem)
{
    std::shared_ptr<BIO> const bio(
        BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
    return {PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free};
}

std::shared_ptr<X509>
issue_for(test_key const& key, certificate_spec const& spec, identity const* issuer)
{
    if (!issuer)
        return issue_certificate(spec, *key.get());
    auto const certificate = read_certificate(issuer->certificate_pem);
    check(certificate != nullptr);
    certificate_issuer const signer{*certificate, *issuer->key.get()};
    return issue_certificate(spec, *key.get(), &signer);
}

} // namespace

std::string base64url(std::string_view text)
{
    std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');
    int const size = EVP_EncodeBlock(
        reinterpret_cast<unsigned char*>(out.data()), bytes(text), static_cast<int>(text.size()));
    out.resize(static_cast<std::size_t>(size));
    out.resize(out.find_last_not_of('=') + 1);
    for (char& c : out)
        c = c == '+' ? '-' : c == '/' ? '_' : c;
    return out;
}

std::string from_base64url(std::string_view text)
{
    std::string padded(text);
    for (char& c : padded)
        c = c == '-' ? '+' : c == '_' ? '/' : c;
    padded.append((4 - text.size() % 4) % 4, '=');
    std::vector<unsigned char> out(padded.size());
    int const size = EVP_DecodeBlock(out.data(), bytes(padded), static_cast<int>(padded.size()));
    check(size >= 0);
    return to_text(out.data(), static_cast<std::size_t>(size) - (padded.size() - text.size()));
}

test_key::test_key(EVP_PKEY* key, std::string kind)
    : key_(key, EVP_PKEY_free)
    , kind_(std::move(kind))
{
    check(key_ != nullptr);
}

test_key::test_key(std::string const& kind) : test_key(generate(kind), kind) {}

test_key test_key::from_pem(std::string const& pem)
{
    std::shared_ptr<BIO> const bio(
        BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
    EVP_PKEY* const key = PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr);
    check(key != nullptr);
    return {key, name_of(key)};
}

std::string test_key::public_pem() const
{
    auto const bio = memory();
    check(PEM_write_bio_PUBKEY(bio.get(), key_.get()) == 1);
    return text_of(bio.get());
}

std::string test_key::private_pem() const
{
    auto const bio = memory();
    check(
        PEM_write_bio_PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) ==
        1);
    return text_of(bio.get());
}

std::string test_key::encrypted_pem(std::string const& passphrase) const
{
    auto const bio = memory();
    check(
        PEM_write_bio_PKCS8PrivateKey(
            bio.get(), key_.get(), EVP_aes_256_cbc(), passphrase.data(),
            static_cast<int>(passphrase.size()), nullptr, nullptr) == 1);
    return text_of(bio.get());
}

std::string test_key::traditional_pem(std::string const& passphrase) const
{
    auto const bio = memory();
    check(
        PEM_write_bio_PrivateKey_traditional(
            bio.get(), key_.get(), EVP_aes_256_cbc(), bytes(passphrase),
            static_cast<int>(passphrase.size()), nullptr, nullptr) == 1);
    return text_of(bio.get());
}

json::object test_key::jwk() const
{
    json::object result;
    if (kind_ == "RSA")
    {
        result["e"] = number(key_.get(), OSSL_PKEY_PARAM_RSA_E);
        result["kty"] = "RSA";
        result["n"] = number(key_.get(), OSSL_PKEY_PARAM_RSA_N);
        return result;
    }
    result["crv"] = kind_;
    result["kty"] = kind_ == "Ed25519" ? "OKP" : "EC";
    if (kind_ == "Ed25519")
    {
        result["x"] = base64url(raw_public(key_.get()));
        return result;
    }
    // A byte for the format, then the coordinates.
    auto const both = point(key_.get());
    result["x"] = base64url(both.substr(1, size_of(kind_)));
    result["y"] = base64url(both.substr(1 + size_of(kind_)));
    return result;
}

std::string test_key::thumbprint() const
{
    // The members are in lexicographic order, which Boost.JSON preserves.
    return base64url(digest(json::serialize(jwk())));
}

std::string test_key::sign(std::string_view algorithm, std::string_view text) const
{
    std::shared_ptr<EVP_MD_CTX> const context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    EVP_PKEY_CTX* options = nullptr;
    check(
        EVP_DigestSignInit(context.get(), &options, digest_of(algorithm), nullptr, key_.get()) ==
        1);
    set_padding(options, algorithm);
    std::array<unsigned char, 1024> out{};
    std::size_t size = out.size();
    check(EVP_DigestSign(context.get(), out.data(), &size, bytes(text), text.size()) == 1);
    auto const result = to_text(out.data(), size);
    return algorithm.starts_with("ES") ? r_and_s(result, size_of(kind_)) : result;
}

bool test_key::verifies(
    std::string_view algorithm, std::string_view text, std::string_view signature) const
{
    if (algorithm.starts_with("ES") && signature.size() != 2 * size_of(kind_))
        return false;
    std::string const encoded =
        algorithm.starts_with("ES") ? der_of(signature) : std::string(signature);
    std::shared_ptr<EVP_MD_CTX> const context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    EVP_PKEY_CTX* options = nullptr;
    check(
        EVP_DigestVerifyInit(context.get(), &options, digest_of(algorithm), nullptr, key_.get()) ==
        1);
    set_padding(options, algorithm);
    return EVP_DigestVerify(
               context.get(), bytes(encoded), encoded.size(), bytes(text), text.size()) == 1;
}

std::string kind_of(std::string_view algorithm)
{
    if (algorithm == "EdDSA" || algorithm == "Ed25519")
        return "Ed25519";
    if (!algorithm.starts_with("ES"))
        return "RSA";
    return algorithm == "ES256" ? "P-256" : algorithm == "ES384" ? "P-384" : "P-521";
}

identity make_identity(
    std::string const& common_name, identity const* issuer, bool is_ca, long ends, long begins)
{
    test_key const key("P-256");
    certificate_spec spec;
    spec.organization = "Example";
    spec.common_name = common_name;
    spec.basic_constraints = is_ca ? "critical,CA:TRUE" : "CA:FALSE";
    spec.not_before = begins;
    spec.not_after = ends;
    auto const certificate = issue_for(key, spec, issuer);
    std::array<unsigned char, 32> thumbprint{};
    check(X509_digest(certificate.get(), EVP_sha256(), thumbprint.data(), nullptr) == 1);
    return {
        key, certificate_pem(*certificate),
        base64url(to_text(thumbprint.data(), thumbprint.size()))};
}

std::string signed_by(test_key const& key, std::string const& algorithm, token_draft draft)
{
    auto const input = signing_input(draft, algorithm);
    return input + "." + base64url(key.sign(algorithm, input));
}

std::string signed_by(std::string const& secret, std::string const& algorithm, token_draft draft)
{
    auto const input = signing_input(draft, algorithm);
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned size = 0;
    check(
        HMAC(
            digest_of(algorithm), secret.data(), static_cast<int>(secret.size()), bytes(input),
            input.size(), out.data(), &size) != nullptr);
    return input + "." + base64url(to_text(out.data(), size));
}

json::object part_of(std::string_view token, int which)
{
    if (which > 0)
        token.remove_prefix(token.find('.') + 1);
    std::string text(token.substr(0, token.find('.')));
    for (char& c : text)
        c = c == '-' ? '+' : c == '_' ? '/' : c;
    auto const padding = (4 - text.size() % 4) % 4;
    text.append(padding, '=');
    std::string out(3 * text.size() / 4, '\0');
    check(
        EVP_DecodeBlock(
            reinterpret_cast<unsigned char*>(out.data()), bytes(text),
            static_cast<int>(text.size())) >= 0);
    out.resize(out.size() - padding);
    return json::parse(out).as_object();
}

} // namespace test
