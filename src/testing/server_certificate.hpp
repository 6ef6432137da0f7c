#ifndef COAUTH_SRC_TESTING_SERVER_CERTIFICATE_HPP
#define COAUTH_SRC_TESTING_SERVER_CERTIFICATE_HPP

#include <coauth/testing/server_options.hpp>

#include "testing/openssl_ptr.hpp"

#include <string>
#include <vector>

namespace coauth::testing
{

// The certificate and key that a TLS server uses, and what a client needs to verify them.
struct server_certificate
{
    openssl_ptr<X509> certificate;
    openssl_ptr<EVP_PKEY> key;
    // Sent after the certificate.
    std::vector<openssl_ptr<X509>> chain;
    std::string ca_pem;
    // Revocation lists of the CA and its intermediate, with and without the certificate. Empty for
    // a certificate from the options.
    std::string crl_pem;
    std::string crl_pem_without_entry;
};

// Reads the certificate from the options, or makes one if they contain none. Throws
// std::runtime_error.
server_certificate make_server_certificate(server_options const& options);

} // namespace coauth::testing

#endif
