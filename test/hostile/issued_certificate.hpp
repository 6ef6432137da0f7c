#ifndef COAUTH_TEST_HOSTILE_ISSUED_CERTIFICATE_HPP
#define COAUTH_TEST_HOSTILE_ISSUED_CERTIFICATE_HPP

#include <openssl/ssl.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

namespace test
{

// A certificate between the CA and the server's.
struct intermediate_text
{
    // Bits of an RSA key; 0: a P-256 key.
    unsigned rsa_bits = 0;
    // The digests of the CA's signature on it, and of its signature on the server's certificate.
    char const* digest_of_it = "SHA256";
    char const* digest_by_it = "SHA256";
    // In OpenSSL's syntax, such as "excluded;DNS:localhost"; empty: none.
    std::string constraints = {};
};

// The content of a server's certificate.
struct certificate_text
{
    // In OpenSSL's syntax.
    std::string names = "DNS:localhost,IP:127.0.0.1";
    // Empty: the subject is empty.
    std::string common_name = "localhost";
    // Bits of an RSA key; 0: a P-256 key.
    unsigned rsa_bits = 0;
    // The issuer, if it is not the CA itself.
    std::optional<intermediate_text> intermediate = {};
};

// A certificate, its key, and the CA that issued it.
class issued_certificate
{
public:
    explicit issued_certificate(certificate_text const& text = {});

    // Makes the server use the certificate, followed by the intermediate and copies of the CA.
    void use(SSL_CTX& server, std::size_t copies_of_ca = 0) const;
    // Makes the server require client certificates of this CA.
    void require_of_clients(SSL_CTX& server) const;
    [[nodiscard]] std::string ca_pem() const;
    // Empty without an intermediate.
    [[nodiscard]] std::string intermediate_pem() const;
    // "-----BEGIN TRUSTED CERTIFICATE-----", as `openssl x509 -trustout` writes it.
    [[nodiscard]] std::string trusted_ca_pem() const;
    [[nodiscard]] std::string certificate_pem() const;
    [[nodiscard]] std::string key_pem() const;

private:
    std::shared_ptr<EVP_PKEY> ca_key_;
    std::shared_ptr<X509> ca_;
    std::shared_ptr<X509> intermediate_;
    std::shared_ptr<EVP_PKEY> key_;
    std::shared_ptr<X509> certificate_;
};

} // namespace test

#endif
