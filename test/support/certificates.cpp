#include "certificates.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <stdexcept>

namespace test
{

namespace
{

void check(bool ok, char const* subject)
{
    if (!ok)
        throw std::runtime_error(std::string("cannot make test certificates: ") + subject);
}

void set_serial_number(X509& certificate)
{
    std::uint64_t serial = 0;
    check(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1, "serial");
    check(ASN1_INTEGER_set_uint64(X509_get_serialNumber(&certificate), serial) == 1, "serial");
}

void set_subject(X509& certificate, certificate_spec const& spec)
{
    std::shared_ptr<X509_NAME> const name(X509_NAME_new(), X509_NAME_free);
    auto const add = [&](char const* type, std::string const& value)
    {
        auto const* const text = reinterpret_cast<unsigned char const*>(value.c_str());
        check(
            value.empty() ||
                X509_NAME_add_entry_by_txt(name.get(), type, MBSTRING_UTF8, text, -1, -1, 0) == 1,
            "subject");
    };
    add("O", spec.organization);
    add("CN", spec.common_name);
    check(X509_set_subject_name(&certificate, name.get()) == 1, "subject");
}

void add_extension(X509& certificate, X509& issuer, int nid, std::string const& value)
{
    if (value.empty())
        return;
    X509V3_CTX context;
    X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
    std::shared_ptr<X509_EXTENSION> const extension(
        X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()), X509_EXTENSION_free);
    check(extension != nullptr, value.c_str());
    check(X509_add_ext(&certificate, extension.get(), -1) == 1, value.c_str());
}

// OpenSSL's configuration syntax cannot express a NUL.
void add_name_with_nul(X509& certificate)
{
    static constexpr char name[] = "localhost\0.example.com";
    std::shared_ptr<GENERAL_NAMES> const names(sk_GENERAL_NAME_new_null(), GENERAL_NAMES_free);
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

template <class Write>
std::string to_pem(Write const& write)
{
    std::shared_ptr<BIO> const bio(BIO_new(BIO_s_mem()), BIO_free);
    check(bio && write(bio.get()) == 1, "text");
    char* data = nullptr;
    long const size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

} // namespace

std::shared_ptr<X509>
issue_certificate(certificate_spec const& spec, EVP_PKEY& key, certificate_issuer const* issuer)
{
    std::shared_ptr<X509> result(X509_new(), X509_free);
    check(result != nullptr, "certificate");
    X509& certificate = *result;
    X509& issuer_certificate = issuer ? issuer->certificate : certificate;

    check(X509_set_version(&certificate, X509_VERSION_3) == 1, "version");
    set_serial_number(certificate);
    set_subject(certificate, spec);
    check(
        X509_set_issuer_name(&certificate, X509_get_subject_name(&issuer_certificate)) == 1,
        "issuer");
    X509_gmtime_adj(X509_getm_notBefore(&certificate), spec.not_before);
    X509_gmtime_adj(X509_getm_notAfter(&certificate), spec.not_after);
    check(X509_set_pubkey(&certificate, &key) == 1, "public key");

    auto const add = [&](int nid, std::string const& value)
    { add_extension(certificate, issuer_certificate, nid, value); };
    if (spec.key_identifiers)
    {
        add(NID_subject_key_identifier, "hash");
        add(NID_authority_key_identifier, "keyid");
    }
    add(NID_basic_constraints, spec.basic_constraints);
    add(NID_key_usage, spec.key_usage);
    add(NID_ext_key_usage, spec.extended_key_usage);
    add(NID_subject_alt_name, spec.alternative_names);
    add(NID_name_constraints, spec.name_constraints);
    if (spec.nul_in_name)
        add_name_with_nul(certificate);

    EVP_PKEY& signing_key = issuer ? issuer->key : key;
    auto const* const digest = EVP_get_digestbyname(spec.digest);
    check(digest && X509_sign(&certificate, &signing_key, digest) > 0, "signature");
    return result;
}

std::shared_ptr<EVP_PKEY> make_p256_key()
{
    std::shared_ptr<EVP_PKEY> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    check(key != nullptr, "EC key");
    return key;
}

std::shared_ptr<EVP_PKEY> make_rsa_key(unsigned bits)
{
    std::shared_ptr<EVP_PKEY> key(EVP_RSA_gen(bits), EVP_PKEY_free);
    check(key != nullptr, "RSA key");
    return key;
}

std::string certificate_pem(X509& certificate)
{
    return to_pem([&](BIO* bio) { return PEM_write_bio_X509(bio, &certificate); });
}

std::string trusted_certificate_pem(X509& certificate)
{
    std::shared_ptr<X509> const trusted(X509_dup(&certificate), X509_free);
    check(
        trusted && X509_add1_trust_object(trusted.get(), OBJ_nid2obj(NID_server_auth)) == 1,
        "trust");
    return to_pem([&](BIO* bio) { return PEM_write_bio_X509_AUX(bio, trusted.get()); });
}

std::string private_key_pem(EVP_PKEY& key)
{
    return to_pem(
        [&](BIO* bio)
        { return PEM_write_bio_PrivateKey(bio, &key, nullptr, nullptr, 0, nullptr, nullptr); });
}

} // namespace test
