#include "server_certificates.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace test
{

namespace
{

constexpr long hour = 3600;
constexpr long day = 24 * hour;

constexpr char const* valid_names = "DNS:localhost,IP:127.0.0.1,IP:::1";

void check(bool ok, char const* subject)
{
    if (!ok)
        throw std::runtime_error(std::string("cannot make test certificates: ") + subject);
}

template <class T>
using shared = std::shared_ptr<T>;

struct key_and_certificate
{
    shared<EVP_PKEY> key;
    shared<X509> certificate;
};

// The content of a certificate. Times are in seconds from now.
struct certificate_spec
{
    std::string common_name = "localhost";
    std::string alternative_names = valid_names;
    std::string basic_constraints = "critical,CA:FALSE";
    std::string key_usage = "critical,digitalSignature";
    std::string extended_key_usage = "serverAuth";
    std::string name_constraints = {};
    bool nul_in_name = false;
    long not_before = -day;
    long not_after = 30 * day;
    EVP_MD const* digest = EVP_sha256();
};

certificate_spec ca_spec(std::string common_name, std::string basic_constraints)
{
    certificate_spec spec;
    spec.common_name = std::move(common_name);
    spec.alternative_names.clear();
    spec.basic_constraints = std::move(basic_constraints);
    spec.key_usage = "critical,keyCertSign,cRLSign";
    spec.extended_key_usage.clear();
    return spec;
}

shared<EVP_PKEY> make_ec_key()
{
    shared<EVP_PKEY> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    check(key != nullptr, "EC key");
    return key;
}

shared<EVP_PKEY> make_rsa_key(unsigned bits)
{
    shared<EVP_PKEY> key(EVP_RSA_gen(bits), EVP_PKEY_free);
    check(key != nullptr, "RSA key");
    return key;
}

void add_extension(X509& certificate, X509& issuer, int nid, std::string const& value)
{
    if (value.empty())
        return;
    X509V3_CTX context;
    X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
    shared<X509_EXTENSION> const extension(
        X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()), X509_EXTENSION_free);
    check(extension != nullptr, value.c_str());
    check(X509_add_ext(&certificate, extension.get(), -1) == 1, value.c_str());
}

// OpenSSL's configuration syntax cannot express a NUL.
void add_name_with_nul(X509& certificate)
{
    static constexpr char name[] = "localhost\0.example.com";
    shared<GENERAL_NAMES> const names(sk_GENERAL_NAME_new_null(), GENERAL_NAMES_free);
    GENERAL_NAME* const general = GENERAL_NAME_new();
    ASN1_IA5STRING* const text = ASN1_IA5STRING_new();
    check(names && general && text, "name with NUL");
    GENERAL_NAME_set0_value(general, GEN_DNS, text);
    check(ASN1_STRING_set(text, name, sizeof name - 1) == 1, "name with NUL");
    check(sk_GENERAL_NAME_push(names.get(), general) > 0, "name with NUL");
    check(
        X509_add1_ext_i2d(&certificate, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) ==
            1,
        "name with NUL");
}

void set_serial(X509& certificate)
{
    std::uint64_t serial = 0;
    check(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1, "serial");
    check(ASN1_INTEGER_set_uint64(X509_get_serialNumber(&certificate), serial) == 1, "serial");
}

void set_subject(X509& certificate, std::string const& common_name)
{
    auto const* const text = reinterpret_cast<unsigned char const*>(common_name.c_str());
    shared<X509_NAME> const name(X509_NAME_new(), X509_NAME_free);
    check(
        X509_NAME_add_entry_by_txt(name.get(), "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1 &&
            X509_set_subject_name(&certificate, name.get()) == 1,
        "name");
}

// Without an issuer the certificate is self-signed.
key_and_certificate
issue(certificate_spec const& spec, shared<EVP_PKEY> key, key_and_certificate const* issuer)
{
    shared<X509> created(X509_new(), X509_free);
    check(created != nullptr, "certificate");
    X509& certificate = *created;
    X509& issuer_certificate = issuer ? *issuer->certificate : certificate;

    check(X509_set_version(&certificate, X509_VERSION_3) == 1, "version");
    set_serial(certificate);
    set_subject(certificate, spec.common_name);
    check(
        X509_set_issuer_name(&certificate, X509_get_subject_name(&issuer_certificate)) == 1,
        "issuer");
    X509_gmtime_adj(X509_getm_notBefore(&certificate), spec.not_before);
    X509_gmtime_adj(X509_getm_notAfter(&certificate), spec.not_after);
    check(X509_set_pubkey(&certificate, key.get()) == 1, "public key");

    add_extension(certificate, issuer_certificate, NID_subject_key_identifier, "hash");
    add_extension(certificate, issuer_certificate, NID_authority_key_identifier, "keyid");
    add_extension(certificate, issuer_certificate, NID_basic_constraints, spec.basic_constraints);
    add_extension(certificate, issuer_certificate, NID_key_usage, spec.key_usage);
    add_extension(certificate, issuer_certificate, NID_ext_key_usage, spec.extended_key_usage);
    add_extension(certificate, issuer_certificate, NID_subject_alt_name, spec.alternative_names);
    add_extension(certificate, issuer_certificate, NID_name_constraints, spec.name_constraints);
    if (spec.nul_in_name)
        add_name_with_nul(certificate);

    EVP_PKEY* const signing_key = issuer ? issuer->key.get() : key.get();
    check(X509_sign(&certificate, signing_key, spec.digest) > 0, "signature");
    return {std::move(key), std::move(created)};
}

key_and_certificate make_root(std::string const& name)
{
    return issue(ca_spec(name, "critical,CA:TRUE"), make_ec_key(), nullptr);
}

// The content of the leaf, with the faults that concern the leaf itself.
certificate_spec leaf_spec(server_certificate kind)
{
    certificate_spec spec;
    switch (kind)
    {
    case server_certificate::not_yet_valid:
        spec.not_before = day;
        break;
    case server_certificate::wrong_alternative_name:
        spec.alternative_names = "DNS:other.example,IP:192.0.2.1";
        break;
    case server_certificate::common_name_only:
        spec.alternative_names.clear();
        break;
    case server_certificate::ip_as_dns_name:
        spec.common_name = "127.0.0.1";
        spec.alternative_names = "DNS:127.0.0.1";
        break;
    case server_certificate::bare_wildcard:
        spec.common_name = "*";
        spec.alternative_names = "DNS:*";
        break;
    case server_certificate::nul_in_name:
        spec.common_name = "other.example";
        spec.alternative_names.clear();
        spec.nul_in_name = true;
        break;
    case server_certificate::client_only:
        spec.extended_key_usage = "clientAuth";
        break;
    case server_certificate::sha1_signature:
        spec.digest = EVP_sha1();
        break;
    default:
        break;
    }
    return spec;
}

certificate_spec intermediate_spec(server_certificate kind)
{
    auto spec = ca_spec("coauth test intermediate", "critical,CA:TRUE,pathlen:0");
    if (kind == server_certificate::expired_intermediate)
        spec.not_after = -hour;
    if (kind == server_certificate::name_constraint)
        spec.name_constraints = "critical,permitted;DNS:other.example,permitted;IP:192.0.2.0/"
                                "255.255.255.0";
    return spec;
}

shared<EVP_PKEY> make_leaf_key(server_certificate kind)
{
    if (kind == server_certificate::valid_rsa)
        return make_rsa_key(2048);
    if (kind == server_certificate::weak_key)
        return make_rsa_key(1024);
    return make_ec_key();
}

// A certificate between intermediate and leaf that must not be there.
std::optional<key_and_certificate>
make_invalid_issuer(server_certificate kind, key_and_certificate const& intermediate)
{
    if (kind == server_certificate::issued_by_leaf)
        return issue(certificate_spec(), make_ec_key(), &intermediate);
    if (kind == server_certificate::path_too_long)
        return issue(
            ca_spec("coauth test second intermediate", "critical,CA:TRUE"), make_ec_key(),
            &intermediate);
    return std::nullopt;
}

template <class Write>
std::string to_pem(Write const& write)
{
    shared<BIO> const bio(BIO_new(BIO_s_mem()), BIO_free);
    check(bio && write(bio.get()) == 1, "text");
    char* data = nullptr;
    long const size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

std::string certificate_pem(key_and_certificate const& from)
{
    return to_pem([&](BIO* bio) { return PEM_write_bio_X509(bio, from.certificate.get()); });
}

std::string key_pem(key_and_certificate const& from)
{
    return to_pem(
        [&](BIO* bio)
        {
            return PEM_write_bio_PrivateKey(
                bio, from.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
        });
}

void use_new_certificate(coauth::testing::server_options& options, server_certificate kind)
{
    auto const root = make_root("coauth test CA");
    auto const intermediate = issue(intermediate_spec(kind), make_ec_key(), &root);
    auto const invalid_issuer = make_invalid_issuer(kind, intermediate);
    auto const* const issuer = kind == server_certificate::self_signed ? nullptr
                               : invalid_issuer                        ? &*invalid_issuer
                                                                       : &intermediate;
    auto const leaf = issue(leaf_spec(kind), make_leaf_key(kind), issuer);

    options.ca_pem = certificate_pem(root);
    options.key_pem = key_pem(leaf);
    options.certificate_pem = certificate_pem(leaf);
    if (invalid_issuer)
        options.certificate_pem += certificate_pem(*invalid_issuer);
    if (issuer && kind != server_certificate::missing_intermediate)
        options.certificate_pem += certificate_pem(intermediate);
}

} // namespace

void use_certificate(coauth::testing::server_options& options, server_certificate kind)
{
    using coauth::testing::certificate;
    switch (kind)
    {
    case server_certificate::valid:
        options.certificate = certificate::valid;
        break;
    case server_certificate::expired:
        options.certificate = certificate::expired;
        break;
    case server_certificate::unknown_ca:
        options.certificate = certificate::unknown_ca;
        break;
    case server_certificate::wrong_host:
        options.certificate = certificate::wrong_host;
        break;
    default:
        use_new_certificate(options, kind);
    }
}

} // namespace test
