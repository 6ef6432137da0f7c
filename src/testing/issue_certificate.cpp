#include "testing/issue_certificate.hpp"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <cstdint>
#include <stdexcept>
#include <utility>

namespace coauth::testing
{

namespace
{

constexpr long hour = 3600;
constexpr long day = 24 * hour;

void check(bool ok, char const* subject)
{
    if (!ok)
        throw std::runtime_error(std::string("cannot make test certificates: ") + subject);
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

void set_time(X509_CRL& crl, long offset, int (*set)(X509_CRL*, ASN1_TIME const*))
{
    openssl_ptr<ASN1_TIME> const time(X509_gmtime_adj(nullptr, offset));
    check(time != nullptr && set(&crl, time.get()) == 1, "CRL time");
}

void add_entry(X509_CRL& crl, X509& certificate)
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

} // namespace

certificate_content ca_content(std::string common_name, std::string basic_constraints)
{
    certificate_content content;
    content.common_name = std::move(common_name);
    content.alternative_names.clear();
    content.basic_constraints = std::move(basic_constraints);
    content.key_usage = "critical,keyCertSign,cRLSign";
    content.extended_key_usage.clear();
    return content;
}

issued_certificate issue(certificate_content const& content, issued_certificate const* issuer)
{
    openssl_ptr<EVP_PKEY> key(EVP_EC_gen("P-256"));
    openssl_ptr<X509> certificate(X509_new());
    check(key && certificate, "certificate");
    X509& subject = *certificate;
    X509& signer = issuer ? *issuer->certificate : subject;

    check(X509_set_version(&subject, X509_VERSION_3) == 1, "version");
    set_serial(subject);
    set_subject(subject, content.common_name);
    check(X509_set_issuer_name(&subject, X509_get_subject_name(&signer)) == 1, "issuer");
    X509_gmtime_adj(X509_getm_notBefore(&subject), content.not_before);
    X509_gmtime_adj(X509_getm_notAfter(&subject), content.not_after);
    check(X509_set_pubkey(&subject, key.get()) == 1, "public key");

    add_extension(subject, signer, NID_subject_key_identifier, "hash");
    add_extension(subject, signer, NID_authority_key_identifier, "keyid");
    add_extension(subject, signer, NID_basic_constraints, content.basic_constraints);
    add_extension(subject, signer, NID_key_usage, content.key_usage);
    add_extension(subject, signer, NID_ext_key_usage, content.extended_key_usage);
    add_extension(subject, signer, NID_subject_alt_name, content.alternative_names);

    EVP_PKEY* const signing_key = issuer ? issuer->key.get() : key.get();
    check(X509_sign(&subject, signing_key, EVP_sha256()) > 0, "signature");
    return {std::move(key), std::move(certificate)};
}

std::string to_pem(X509& certificate)
{
    openssl_ptr<BIO> const bio(BIO_new(BIO_s_mem()));
    check(bio && PEM_write_bio_X509(bio.get(), &certificate) == 1, "text");
    return to_text(*bio);
}

std::string make_crl_pem(issued_certificate const& issuer, X509* revoked)
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
        add_entry(*crl, *revoked);
    check(X509_CRL_sign(crl.get(), issuer.key.get(), EVP_sha256()) > 0, "CRL signature");
    check(PEM_write_bio_X509_CRL(bio.get(), crl.get()) == 1, "CRL text");
    return to_text(*bio);
}

} // namespace coauth::testing
