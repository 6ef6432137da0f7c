#include "issued_certificate.hpp"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <stdexcept>

namespace test
{

namespace
{

void check(bool ok)
{
    if (!ok)
        throw std::runtime_error("OpenSSL makes no certificate");
}

std::shared_ptr<EVP_PKEY> make_key(unsigned rsa_bits)
{
    std::shared_ptr<EVP_PKEY> made(
        rsa_bits != 0 ? EVP_RSA_gen(rsa_bits) : EVP_EC_gen("P-256"), EVP_PKEY_free);
    check(made != nullptr);
    return made;
}

std::shared_ptr<X509> make_unsigned(std::string const& common_name, EVP_PKEY& key, long serial)
{
    std::shared_ptr<X509> made(X509_new(), X509_free);
    check(made && X509_set_version(made.get(), X509_VERSION_3) == 1);
    check(ASN1_INTEGER_set(X509_get_serialNumber(made.get()), serial) == 1);
    auto const* const text = reinterpret_cast<unsigned char const*>(common_name.c_str());
    std::shared_ptr<X509_NAME> const name(X509_NAME_new(), X509_NAME_free);
    check(
        common_name.empty() ||
        X509_NAME_add_entry_by_txt(name.get(), "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1);
    check(X509_set_subject_name(made.get(), name.get()) == 1);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
    check(X509_set_pubkey(made.get(), &key) == 1);
    return made;
}

void add(X509& to, int nid, std::string const& value)
{
    std::shared_ptr<X509_EXTENSION> const made(
        X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str()), X509_EXTENSION_free);
    check(made && X509_add_ext(&to, made.get(), -1) == 1);
}

void sign(X509& what, X509& issuer, EVP_PKEY& key, char const* digest = "SHA256")
{
    check(X509_set_issuer_name(&what, X509_get_subject_name(&issuer)) == 1);
    check(X509_sign(&what, &key, EVP_get_digestbyname(digest)) > 0);
}

std::string to_pem(auto const& write)
{
    std::shared_ptr<BIO> const bio(BIO_new(BIO_s_mem()), BIO_free);
    check(bio && write(bio.get()) == 1);
    char* data = nullptr;
    auto const size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

} // namespace

issued_certificate::issued_certificate(certificate_text const& text)
    : ca_key_(make_key(0))
    , ca_(make_unsigned("coauth test CA", *ca_key_, 1))
    , key_(make_key(text.rsa_bits))
    , certificate_(make_unsigned(text.common_name, *key_, 2))
{
    add(*ca_, NID_basic_constraints, "critical,CA:TRUE");
    sign(*ca_, *ca_, *ca_key_);
    // RFC 5280 section 4.2.1.6: critical where the subject is empty.
    add(*certificate_, NID_subject_alt_name,
        (text.common_name.empty() ? "critical," : "") + text.names);
    if (text.intermediate)
        issue_through(*text.intermediate);
    else
        sign(*certificate_, *ca_, *ca_key_);
}

void issued_certificate::issue_through(intermediate_text const& between)
{
    auto const key = make_key(between.rsa_bits);
    intermediate_ = make_unsigned("coauth test intermediate", *key, 3);
    add(*intermediate_, NID_basic_constraints, "critical,CA:TRUE");
    if (!between.constraints.empty())
        add(*intermediate_, NID_name_constraints, "critical," + between.constraints);
    sign(*intermediate_, *ca_, *ca_key_, between.digest_of_it);
    sign(*certificate_, *intermediate_, *key, between.digest_by_it);
}

void issued_certificate::use(SSL_CTX& server, std::size_t copies_of_ca) const
{
    check(SSL_CTX_use_certificate(&server, certificate_.get()) == 1);
    check(SSL_CTX_use_PrivateKey(&server, key_.get()) == 1);
    if (intermediate_)
        check(SSL_CTX_add1_chain_cert(&server, intermediate_.get()) == 1);
    for (std::size_t i = 0; i < copies_of_ca; ++i)
        check(SSL_CTX_add1_chain_cert(&server, ca_.get()) == 1);
}

void issued_certificate::demand(SSL_CTX& server) const
{
    SSL_CTX_set_verify(&server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    check(X509_STORE_add_cert(SSL_CTX_get_cert_store(&server), ca_.get()) == 1);
}

std::string issued_certificate::ca_pem() const
{
    return to_pem([this](BIO* into) { return PEM_write_bio_X509(into, ca_.get()); });
}

std::string issued_certificate::intermediate_pem() const
{
    return intermediate_
               ? to_pem([&](BIO* to) { return PEM_write_bio_X509(to, intermediate_.get()); })
               : std::string();
}

std::string issued_certificate::trusted_ca_pem() const
{
    std::shared_ptr<X509> const trusted(X509_dup(ca_.get()), X509_free);
    check(trusted && X509_add1_trust_object(trusted.get(), OBJ_nid2obj(NID_server_auth)) == 1);
    return to_pem([&](BIO* to) { return PEM_write_bio_X509_AUX(to, trusted.get()); });
}

std::string issued_certificate::certificate_pem() const
{
    return to_pem([this](BIO* into) { return PEM_write_bio_X509(into, certificate_.get()); });
}

std::string issued_certificate::key_pem() const
{
    return to_pem(
        [this](BIO* into)
        {
            return PEM_write_bio_PrivateKey(
                into, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
        });
}

} // namespace test
