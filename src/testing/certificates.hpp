#ifndef COAUTH_SRC_TESTING_CERTIFICATES_HPP
#define COAUTH_SRC_TESTING_CERTIFICATES_HPP

#include <coauth/testing/authorization_server.hpp>

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <vector>

namespace coauth::testing
{

struct openssl_free
{
    void operator()(EVP_PKEY* p) const noexcept { EVP_PKEY_free(p); }
    void operator()(X509* p) const noexcept { X509_free(p); }
    void operator()(X509_CRL* p) const noexcept { X509_CRL_free(p); }
    void operator()(X509_REVOKED* p) const noexcept { X509_REVOKED_free(p); }
    void operator()(X509_EXTENSION* p) const noexcept { X509_EXTENSION_free(p); }
    void operator()(ASN1_STRING* p) const noexcept { ASN1_STRING_free(p); }
    void operator()(GENERAL_NAMES* p) const noexcept { GENERAL_NAMES_free(p); }
    void operator()(GENERAL_NAME* p) const noexcept { GENERAL_NAME_free(p); }
    void operator()(BIO* p) const noexcept { BIO_free_all(p); }
};

template <class T>
using openssl_ptr = std::unique_ptr<T, openssl_free>;

// A certificate and the key that it is for.
struct key_and_certificate
{
    openssl_ptr<EVP_PKEY> key;
    openssl_ptr<X509> certificate;
};

// What a TLS server shows, and what a client needs to judge it.
struct identity
{
    key_and_certificate leaf;
    // Sent after the leaf.
    std::vector<openssl_ptr<X509>> chain;
    // The one to trust.
    key_and_certificate root;
    key_and_certificate intermediate;
};

// These throw std::runtime_error when OpenSSL refuses.
identity make_identity(certificate kind);
std::string to_pem(X509& certificate);
// The lists of root and intermediate; the leaf is on the latter when `revoked`.
std::string make_crl_pem(identity const& id, bool revoked);

} // namespace coauth::testing

#endif
