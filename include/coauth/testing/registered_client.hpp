#ifndef COAUTH_TESTING_REGISTERED_CLIENT_HPP
#define COAUTH_TESTING_REGISTERED_CLIENT_HPP

#include <string>
#include <vector>

namespace coauth::testing
{

/// A client and its credentials. An empty member is not a credential. A client without any
/// credential is public: it sends only its id.
struct registered_client
{
    /// The client id.
    std::string id;
    /// The secret for client_secret_basic and client_secret_post. A client that posts its secret
    /// without an id is the first one with this secret.
    std::string secret = {};
    /// The secret for client_secret_jwt.
    std::string assertion_secret = {};
    /// For private_key_jwt: public keys or certificates, each as PEM text.
    std::vector<std::string> public_keys = {};
    /// For self_signed_tls_client_auth: certificates, each as PEM text.
    std::vector<std::string> certificates = {};
    /// For tls_client_auth: the subject in the form of RFC 4514, such as "CN=client,O=Example";
    /// `openssl x509 -subject -nameopt RFC2253` prints it.
    std::string subject = {};
};

/// An issuer whose assertions the server accepts as grants (RFC 7523 section 2.1).
struct trusted_issuer
{
    /// The `iss` of its assertions.
    std::string issuer;
    /// Its public keys or certificates, each as PEM text.
    std::vector<std::string> public_keys;
};

} // namespace coauth::testing

#endif
