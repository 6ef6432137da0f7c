#ifndef COAUTH_TESTING_REGISTERED_CLIENT_HPP
#define COAUTH_TESTING_REGISTERED_CLIENT_HPP

#include <string>
#include <vector>

namespace coauth::testing
{

/// A client, and what it proves itself by. What is empty does not prove anything; a client with
/// nothing at all is public, and has its id alone to say.
struct registered_client
{
    std::string id;
    /// For Basic and in the body.
    std::string secret = {};
    /// For client_secret_jwt.
    std::string assertion_secret = {};
    /// For private_key_jwt: PEM text of a public key or of a certificate each.
    std::vector<std::string> public_keys = {};
    /// For self_signed_tls_client_auth: PEM text of a certificate each.
    std::vector<std::string> certificates = {};
    /// For tls_client_auth: the subject as RFC 4514 writes it and as
    /// `openssl x509 -subject -nameopt RFC2253` prints it, as in "CN=client,O=Example".
    std::string subject = {};
};

/// Whose assertions are grants (RFC 7523 section 2.1).
struct trusted_issuer
{
    std::string issuer;
    /// PEM text of a public key or of a certificate each.
    std::vector<std::string> public_keys;
};

} // namespace coauth::testing

#endif
