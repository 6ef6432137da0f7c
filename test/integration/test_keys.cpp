#include "test_keys.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

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
        throw std::runtime_error("OpenSSL refuses what a test asks for");
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

EVP_PKEY* generate(std::string const& kind)
{
    if (kind == "RSA")
        return EVP_RSA_gen(2048);
    if (kind == "Ed25519")
        return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    return EVP_EC_gen(kind.c_str());
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

// Bytes of a coordinate.
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

std::string signing_input(token_draft& draft, std::string const& algorithm)
{
    draft.header["alg"] = algorithm;
    return base64url(json::serialize(draft.header)) + "." +
           base64url(json::serialize(draft.claims));
}

void add_name(X509_NAME* to, char const* type, std::string const& value)
{
    check(X509_NAME_add_entry_by_txt(to, type, MBSTRING_UTF8, bytes(value), -1, -1, 0) == 1);
}

std::shared_ptr<X509> read_certificate(std::string const& pem)
{
    std::shared_ptr<BIO> const bio(
        BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
    return {PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free};
}

std::shared_ptr<X509>
make_certificate(private_key const& key, std::string const& common_name, long lifetime, bool is_ca)
{
    std::shared_ptr<X509> made(X509_new(), X509_free);
    check(X509_set_version(made.get(), X509_VERSION_3) == 1);
    check(ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 7) == 1);
    add_name(X509_get_subject_name(made.get()), "O", "Example");
    add_name(X509_get_subject_name(made.get()), "CN", common_name);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -7200);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), lifetime);
    check(X509_set_pubkey(made.get(), key.get()) == 1);
    std::shared_ptr<X509_EXTENSION> const kind(
        X509V3_EXT_conf_nid(
            nullptr, nullptr, NID_basic_constraints, is_ca ? "critical,CA:TRUE" : "CA:FALSE"),
        X509_EXTENSION_free);
    check(kind && X509_add_ext(made.get(), kind.get(), -1) == 1);
    return made;
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

private_key::private_key(std::string const& kind) : key_(generate(kind), EVP_PKEY_free), kind_(kind)
{
    check(key_ != nullptr);
}

std::string private_key::public_pem() const
{
    auto const bio = memory();
    check(PEM_write_bio_PUBKEY(bio.get(), key_.get()) == 1);
    return text_of(bio.get());
}

std::string private_key::private_pem() const
{
    auto const bio = memory();
    check(
        PEM_write_bio_PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) ==
        1);
    return text_of(bio.get());
}

json::object private_key::jwk() const
{
    json::object made;
    if (kind_ == "RSA")
    {
        made["e"] = number(key_.get(), OSSL_PKEY_PARAM_RSA_E);
        made["kty"] = "RSA";
        made["n"] = number(key_.get(), OSSL_PKEY_PARAM_RSA_N);
        return made;
    }
    made["crv"] = kind_;
    made["kty"] = kind_ == "Ed25519" ? "OKP" : "EC";
    if (kind_ == "Ed25519")
    {
        made["x"] = base64url(raw_public(key_.get()));
        return made;
    }
    // A byte for the form, and the coordinates.
    auto const both = point(key_.get());
    made["x"] = base64url(both.substr(1, size_of(kind_)));
    made["y"] = base64url(both.substr(1 + size_of(kind_)));
    return made;
}

std::string private_key::thumbprint() const
{
    // The members are in order already, and Boost.JSON keeps it.
    return base64url(digest(json::serialize(jwk())));
}

std::string private_key::sign(std::string_view algorithm, std::string_view text) const
{
    std::shared_ptr<EVP_MD_CTX> const context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    EVP_PKEY_CTX* options = nullptr;
    check(
        EVP_DigestSignInit(context.get(), &options, digest_of(algorithm), nullptr, key_.get()) ==
        1);
    if (algorithm.starts_with("PS"))
        check(
            EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
            EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1);
    std::array<unsigned char, 1024> out{};
    std::size_t size = out.size();
    check(EVP_DigestSign(context.get(), out.data(), &size, bytes(text), text.size()) == 1);
    auto const made = to_text(out.data(), size);
    return algorithm.starts_with("ES") ? r_and_s(made, size_of(kind_)) : made;
}

std::string kind_of(std::string_view algorithm)
{
    if (algorithm == "EdDSA")
        return "Ed25519";
    if (!algorithm.starts_with("ES"))
        return "RSA";
    return algorithm == "ES256" ? "P-256" : algorithm == "ES384" ? "P-384" : "P-521";
}

identity
make_identity(std::string const& common_name, identity const* issuer, bool is_ca, long lifetime)
{
    private_key const key("P-256");
    auto const made = make_certificate(key, common_name, lifetime, is_ca);
    auto const by = issuer ? read_certificate(issuer->certificate_pem) : made;
    check(X509_set_issuer_name(made.get(), X509_get_subject_name(by.get())) == 1);
    check(X509_sign(made.get(), issuer ? issuer->key.get() : key.get(), EVP_sha256()) > 0);

    auto const bio = memory();
    check(PEM_write_bio_X509(bio.get(), made.get()) == 1);
    std::array<unsigned char, 32> thumbprint{};
    check(X509_digest(made.get(), EVP_sha256(), thumbprint.data(), nullptr) == 1);
    return {key, text_of(bio.get()), base64url(to_text(thumbprint.data(), thumbprint.size()))};
}

std::string signed_by(private_key const& key, std::string const& algorithm, token_draft draft)
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
