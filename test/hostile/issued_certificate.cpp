#include "issued_certificate.hpp"

#include "certificates.hpp"

#include <stdexcept>

namespace test
{

namespace
{

void check_certificate(bool ok)
{
    if (!ok)
        throw std::runtime_error("OpenSSL does not accept the certificate");
}

std::shared_ptr<EVP_PKEY> make_key(unsigned rsa_bits)
{
    return rsa_bits != 0 ? make_rsa_key(rsa_bits) : make_p256_key();
}

certificate_spec ca_spec(std::string common_name)
{
    certificate_spec spec;
    spec.common_name = std::move(common_name);
    spec.basic_constraints = "critical,CA:TRUE";
    return spec;
}

certificate_spec intermediate_spec(intermediate_text const& text)
{
    auto spec = ca_spec("coauth test intermediate");
    if (!text.constraints.empty())
        spec.name_constraints = "critical," + text.constraints;
    spec.digest = text.digest_of_it;
    return spec;
}

certificate_spec leaf_spec(certificate_text const& text)
{
    certificate_spec spec;
    spec.common_name = text.common_name;
    // RFC 5280 section 4.2.1.6: critical if the subject is empty.
    spec.alternative_names = (text.common_name.empty() ? "critical," : "") + text.names;
    if (text.intermediate)
        spec.digest = text.intermediate->digest_by_it;
    return spec;
}

} // namespace

issued_certificate::issued_certificate(certificate_text const& text)
    : ca_key_(make_p256_key())
    , ca_(issue_certificate(ca_spec("coauth test CA"), *ca_key_))
    , key_(make_key(text.rsa_bits))
{
    certificate_issuer const ca{*ca_, *ca_key_};
    if (!text.intermediate)
    {
        certificate_ = issue_certificate(leaf_spec(text), *key_, &ca);
        return;
    }
    auto const intermediate_key = make_key(text.intermediate->rsa_bits);
    intermediate_ =
        issue_certificate(intermediate_spec(*text.intermediate), *intermediate_key, &ca);
    certificate_issuer const intermediate{*intermediate_, *intermediate_key};
    certificate_ = issue_certificate(leaf_spec(text), *key_, &intermediate);
}

void issued_certificate::use(SSL_CTX& server, std::size_t copies_of_ca) const
{
    check_certificate(SSL_CTX_use_certificate(&server, certificate_.get()) == 1);
    check_certificate(SSL_CTX_use_PrivateKey(&server, key_.get()) == 1);
    if (intermediate_)
        check_certificate(SSL_CTX_add1_chain_cert(&server, intermediate_.get()) == 1);
    for (std::size_t i = 0; i < copies_of_ca; ++i)
        check_certificate(SSL_CTX_add1_chain_cert(&server, ca_.get()) == 1);
}

void issued_certificate::require_of_clients(SSL_CTX& server) const
{
    SSL_CTX_set_verify(&server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    check_certificate(X509_STORE_add_cert(SSL_CTX_get_cert_store(&server), ca_.get()) == 1);
}

std::string issued_certificate::ca_pem() const
{
    return test::certificate_pem(*ca_);
}

std::string issued_certificate::intermediate_pem() const
{
    return intermediate_ ? test::certificate_pem(*intermediate_) : std::string();
}

std::string issued_certificate::trusted_ca_pem() const
{
    return trusted_certificate_pem(*ca_);
}

std::string issued_certificate::certificate_pem() const
{
    return test::certificate_pem(*certificate_);
}

std::string issued_certificate::key_pem() const
{
    return private_key_pem(*key_);
}

} // namespace test
