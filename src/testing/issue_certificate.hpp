#ifndef COAUTH_SRC_TESTING_ISSUE_CERTIFICATE_HPP
#define COAUTH_SRC_TESTING_ISSUE_CERTIFICATE_HPP

#include "testing/openssl_ptr.hpp"

#include <string>

namespace coauth::testing
{

// The content of a certificate. Extensions are in OpenSSL's configuration syntax; an empty one is
// left out. Times are in seconds from now.
struct certificate_content
{
    std::string common_name = "localhost";
    std::string alternative_names = "DNS:localhost,IP:127.0.0.1,IP:::1";
    std::string basic_constraints = "critical,CA:FALSE";
    std::string key_usage = "critical,digitalSignature";
    std::string extended_key_usage = "serverAuth";
    long not_before = -24L * 3600;
    long not_after = 30L * 24 * 3600;
};

certificate_content ca_content(std::string common_name, std::string basic_constraints);

struct issued_certificate
{
    openssl_ptr<EVP_PKEY> key;
    openssl_ptr<X509> certificate;
};

// These functions throw std::runtime_error if OpenSSL fails.

// Makes a certificate for a new P-256 key. Without an issuer it is self-signed.
issued_certificate issue(certificate_content const& content, issued_certificate const* issuer);

std::string to_pem(X509& certificate);

// The issuer's revocation list, as PEM text. `revoked`, if not null, is on it.
std::string make_crl_pem(issued_certificate const& issuer, X509* revoked);

} // namespace coauth::testing

#endif
