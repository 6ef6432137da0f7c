#ifndef COAUTH_SRC_TESTING_CLIENT_CERTIFICATE_HPP
#define COAUTH_SRC_TESTING_CLIENT_CERTIFICATE_HPP

#include <openssl/types.h>

#include <string>

namespace coauth::testing
{

// The certificate that a client showed in the TLS handshake.
struct client_certificate
{
    // SHA-256 in base64url; empty: none was shown.
    std::string thumbprint;
    // As RFC 4514 writes it.
    std::string subject;
    // A CA that the server trusts issued it.
    bool trusted = false;
};

client_certificate read_client_certificate(SSL* connection);

std::string certificate_thumbprint(X509 const& certificate);

// Has the server ask clients for certificates. Every one is taken: what it proves is seen later.
// Throws std::runtime_error when the CAs' text cannot be read.
void ask_for_certificates(SSL_CTX& server, std::string const& ca_pem);

} // namespace coauth::testing

#endif
