#ifndef COAUTH_SRC_TESTING_CERTIFICATES_HPP
#define COAUTH_SRC_TESTING_CERTIFICATES_HPP

#include <coauth/testing/certificate.hpp>

#include "testing/openssl_ptr.hpp"

#include <string>
#include <vector>

namespace coauth::testing
{

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
