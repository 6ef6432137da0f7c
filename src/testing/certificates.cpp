#include "testing/certificates.hpp"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <optional>
#include <stdexcept>

namespace coauth::testing
{

namespace
{

constexpr long hour = 3600;
constexpr long day = 24 * hour;

constexpr char const* right_names = "DNS:localhost,IP:127.0.0.1,IP:::1";

void check(bool ok, char const* what)
{
    if (!ok)
        throw std::runtime_error(std::string("cannot make test certificates: ") + what);
}

// What a certificate says; times in seconds from now.
struct certificate_spec
{
    std::string common_name = "localhost";
    std::string alternative_names = right_names;
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

openssl_ptr<EVP_PKEY> make_ec_key()
{
    openssl_ptr<EVP_PKEY> key(EVP_EC_gen("P-256"));
    check(key != nullptr, "EC key");
    return key;
}

openssl_ptr<EVP_PKEY> make_rsa_key(unsigned bits)
{
    openssl_ptr<EVP_PKEY> key(EVP_RSA_gen(bits));
    check(key != nullptr, "RSA key");
    return key;
}

void add_extension(X509& certificate, X509& issuer, int nid, std::string const& value)
{
    if (value.empty())
        return;
    X509V3_CTX context;
    X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
    openssl_ptr<X509_EXTENSION> const extension(
        X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    check(extension != nullptr, value.c_str());
    check(X509_add_ext(&certificate, extension.get(), -1) == 1, value.c_str());
}

// Not expressible in OpenSSL's words.
void add_name_with_nul(X509& certificate)
{
    static constexpr char name[] = "localhost\0.example.com";
    openssl_ptr<GENERAL_NAMES> const names(sk_GENERAL_NAME_new_null());
    openssl_ptr<GENERAL_NAME> general(GENERAL_NAME_new());
    ASN1_IA5STRING* const text = ASN1_IA5STRING_new();
    check(names && general && text, "name with NUL");
    GENERAL_NAME_set0_value(general.get(), GEN_DNS, text);
    check(ASN1_STRING_set(text, name, sizeof name - 1) == 1, "name with NUL");
    check(sk_GENERAL_NAME_push(names.get(), general.get()) > 0, "name with NUL");
    general.release();
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
    openssl_ptr<X509_NAME> const name(X509_NAME_new());
    check(
        X509_NAME_add_entry_by_txt(name.get(), "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1 &&
            X509_set_subject_name(&certificate, name.get()) == 1,
        "name");
}

// Self-signed when there is no issuer.
key_and_certificate
issue(certificate_spec const& spec, openssl_ptr<EVP_PKEY> key, key_and_certificate const* issuer)
{
    openssl_ptr<X509> made(X509_new());
    check(made != nullptr, "certificate");
    X509& certificate = *made;
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
    return {std::move(key), std::move(made)};
}

key_and_certificate make_root(std::string const& name)
{
    return issue(ca_spec(name, "critical,CA:TRUE"), make_ec_key(), nullptr);
}

openssl_ptr<X509> share(X509& certificate)
{
    X509_up_ref(&certificate);
    return openssl_ptr<X509>(&certificate);
}

// What is wrong with the leaf itself.
certificate_spec leaf_spec(certificate kind)
{
    certificate_spec spec;
    switch (kind)
    {
    case certificate::expired:
        spec.not_after = -hour;
        break;
    case certificate::not_yet_valid:
        spec.not_before = day;
        break;
    case certificate::wrong_host:
        spec.common_name = "other.example";
        spec.alternative_names = "DNS:other.example,IP:192.0.2.1";
        break;
    case certificate::wrong_alternative_name:
        spec.alternative_names = "DNS:other.example,IP:192.0.2.1";
        break;
    case certificate::common_name_only:
        spec.alternative_names.clear();
        break;
    case certificate::ip_as_dns_name:
        spec.common_name = "127.0.0.1";
        spec.alternative_names = "DNS:127.0.0.1";
        break;
    case certificate::bare_wildcard:
        spec.common_name = "*";
        spec.alternative_names = "DNS:*";
        break;
    case certificate::nul_in_name:
        spec.common_name = "other.example";
        spec.alternative_names.clear();
        spec.nul_in_name = true;
        break;
    case certificate::client_only:
        spec.extended_key_usage = "clientAuth";
        break;
    case certificate::sha1_signature:
        spec.digest = EVP_sha1();
        break;
    default:
        break;
    }
    return spec;
}

certificate_spec intermediate_spec(certificate kind)
{
    auto spec = ca_spec("coauth test intermediate", "critical,CA:TRUE,pathlen:0");
    if (kind == certificate::expired_intermediate)
        spec.not_after = -hour;
    if (kind == certificate::name_constraint)
        spec.name_constraints = "critical,permitted;DNS:other.example,permitted;IP:192.0.2.0/"
                                "255.255.255.0";
    return spec;
}

openssl_ptr<EVP_PKEY> make_leaf_key(certificate kind)
{
    if (kind == certificate::valid_rsa)
        return make_rsa_key(2048);
    if (kind == certificate::weak_key)
        return make_rsa_key(1024);
    return make_ec_key();
}

// A link between intermediate and leaf that may not be there.
std::optional<key_and_certificate>
make_unlawful_issuer(certificate kind, key_and_certificate const& intermediate)
{
    if (kind == certificate::issued_by_leaf)
        return issue(certificate_spec(), make_ec_key(), &intermediate);
    if (kind == certificate::path_too_long)
        return issue(
            ca_spec("coauth test second intermediate", "critical,CA:TRUE"), make_ec_key(),
            &intermediate);
    return std::nullopt;
}

void set_time(X509_CRL& crl, long offset, int (*set)(X509_CRL*, ASN1_TIME const*))
{
    openssl_ptr<ASN1_TIME> const time(X509_gmtime_adj(nullptr, offset));
    check(time != nullptr && set(&crl, time.get()) == 1, "CRL time");
}

void revoke(X509_CRL& crl, X509& certificate)
{
    openssl_ptr<X509_REVOKED> entry(X509_REVOKED_new());
    openssl_ptr<ASN1_TIME> const time(X509_gmtime_adj(nullptr, -hour));
    check(entry && time, "CRL entry");
    check(
        X509_REVOKED_set_serialNumber(entry.get(), X509_get_serialNumber(&certificate)) == 1 &&
            X509_REVOKED_set_revocationDate(entry.get(), time.get()) == 1 &&
            X509_CRL_add0_revoked(&crl, entry.get()) == 1,
        "CRL entry");
    entry.release();
}

std::string to_text(BIO& bio)
{
    char* data = nullptr;
    long const size = BIO_get_mem_data(&bio, &data);
    return {data, static_cast<std::size_t>(size)};
}

std::string make_one_crl(key_and_certificate const& issuer, X509* revoked)
{
    openssl_ptr<X509_CRL> const crl(X509_CRL_new());
    openssl_ptr<BIO> const bio(BIO_new(BIO_s_mem()));
    check(crl && bio, "CRL");
    check(X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2) == 1, "CRL version");
    check(
        X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(issuer.certificate.get())) == 1,
        "CRL issuer");
    set_time(*crl, -hour, X509_CRL_set1_lastUpdate);
    set_time(*crl, day, X509_CRL_set1_nextUpdate);
    if (revoked)
        revoke(*crl, *revoked);
    check(X509_CRL_sign(crl.get(), issuer.key.get(), EVP_sha256()) > 0, "CRL signature");
    check(PEM_write_bio_X509_CRL(bio.get(), crl.get()) == 1, "CRL text");
    return to_text(*bio);
}

} // namespace

identity make_identity(certificate kind)
{
    identity id;
    id.root = make_root("coauth test CA");
    auto const other_root = make_root("coauth other test CA");
    auto const& issuing_root = kind == certificate::unknown_ca ? other_root : id.root;
    id.intermediate = issue(intermediate_spec(kind), make_ec_key(), &issuing_root);

    if (kind == certificate::self_signed)
    {
        id.leaf = issue(leaf_spec(kind), make_leaf_key(kind), nullptr);
        return id;
    }
    auto const extra = make_unlawful_issuer(kind, id.intermediate);
    id.leaf = issue(leaf_spec(kind), make_leaf_key(kind), extra ? &*extra : &id.intermediate);
    if (extra)
        id.chain.push_back(share(*extra->certificate));
    if (kind != certificate::missing_intermediate)
        id.chain.push_back(share(*id.intermediate.certificate));
    return id;
}

std::string to_pem(X509& certificate)
{
    openssl_ptr<BIO> const bio(BIO_new(BIO_s_mem()));
    check(bio && PEM_write_bio_X509(bio.get(), &certificate) == 1, "text");
    return to_text(*bio);
}

std::string make_crl_pem(identity const& id, bool revoked)
{
    return make_one_crl(id.root, nullptr) +
           make_one_crl(id.intermediate, revoked ? id.leaf.certificate.get() : nullptr);
}

} // namespace coauth::testing
