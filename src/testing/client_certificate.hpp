#ifndef COAUTH_SRC_TESTING_CLIENT_CERTIFICATE_HPP
#define COAUTH_SRC_TESTING_CLIENT_CERTIFICATE_HPP

#include <openssl/types.h>

#include <string>

namespace coauth::testing
{

// The certificate of the client in the TLS handshake.
struct client_certificate
{
    // SHA-256 in base64url. Empty: there is no certificate.
    std::string thumbprint;
    // In the form of RFC 4514.
    std::string subject;
    // Whether a CA that the server trusts issued it.
    bool trusted = false;
};

client_certificate read_client_certificate(SSL* connection);

std::string certificate_thumbprint(X509 const& certificate);

// Makes the server request client certificates. The handshake accepts every certificate; client
// authentication checks it later. Throws std::runtime_error if `ca_pem` contains no certificate.
void request_certificates(SSL_CTX& server, std::string const& ca_pem);

} // namespace coauth::testing

#endif
