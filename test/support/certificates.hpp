#ifndef COAUTH_TEST_SUPPORT_CERTIFICATES_HPP
#define COAUTH_TEST_SUPPORT_CERTIFICATES_HPP

#include <openssl/types.h>

#include <memory>
#include <string>

namespace test
{

// The content of a certificate. Extensions are in OpenSSL's configuration syntax; an empty one is
// omitted. Times are in seconds from now.
struct certificate_spec
{
    std::string organization = {};
    // Empty: the subject has no common name.
    std::string common_name = "localhost";
    std::string alternative_names = {};
    std::string basic_constraints = {};
    std::string key_usage = {};
    std::string extended_key_usage = {};
    std::string name_constraints = {};
    // Adds the identifiers of the subject's and the issuer's key.
    bool key_identifiers = false;
    // Replaces the alternative names by "localhost", a NUL and more text.
    bool nul_in_name = false;
    long not_before = -3600;
    long not_after = 3600;
    char const* digest = "SHA256";
};

struct certificate_issuer
{
    X509& certificate;
    EVP_PKEY& key;
};

// These functions throw std::runtime_error if OpenSSL fails.

// Certifies a public key. Without an issuer the certificate is self-signed.
std::shared_ptr<X509> issue_certificate(
    certificate_spec const& spec, EVP_PKEY& key, certificate_issuer const* issuer = nullptr);

std::shared_ptr<EVP_PKEY> make_p256_key();
std::shared_ptr<EVP_PKEY> make_rsa_key(unsigned bits);

std::string certificate_pem(X509& certificate);
// "-----BEGIN TRUSTED CERTIFICATE-----", as `openssl x509 -trustout` writes it.
std::string trusted_certificate_pem(X509& certificate);
std::string private_key_pem(EVP_PKEY& key);

} // namespace test

#endif
