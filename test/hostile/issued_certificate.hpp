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
    // As for the server's.
    unsigned rsa_bits = 0;
    // Of the signatures by the CA and by this one.
    char const* digest_of_it = "SHA256";
    char const* digest_by_it = "SHA256";
    // In OpenSSL's words, as in "excluded;DNS:localhost"; empty: none.
    std::string constraints = {};
};

// What the certificate of a server says.
struct certificate_text
{
    // In OpenSSL's words.
    std::string names = "DNS:localhost,IP:127.0.0.1";
    // Empty: there is no common name, nor any other part of a subject.
    std::string common_name = "localhost";
    // Bits of an RSA key; 0: it is one of the curve P-256.
    unsigned rsa_bits = 0;
    // Who issued it, if not the CA itself.
    std::optional<intermediate_text> intermediate = {};
};

// A certificate, its key, and the CA that issued it.
class issued_certificate
{
public:
    explicit issued_certificate(certificate_text const& text = {});

    // Has the server show it, and after it the intermediate and this many times the CA.
    void use(SSL_CTX& server, std::size_t copies_of_ca = 0) const;
    // Has the server demand certificates that this CA issued.
    void demand(SSL_CTX& server) const;
    [[nodiscard]] std::string ca_pem() const;
    // Empty without an intermediate.
    [[nodiscard]] std::string intermediate_pem() const;
    // "-----BEGIN TRUSTED CERTIFICATE-----", as `openssl x509 -trustout` writes it.
    [[nodiscard]] std::string trusted_ca_pem() const;
    [[nodiscard]] std::string certificate_pem() const;
    [[nodiscard]] std::string key_pem() const;

private:
    void issue_through(intermediate_text const& between);

    std::shared_ptr<EVP_PKEY> ca_key_;
    std::shared_ptr<X509> ca_;
    std::shared_ptr<X509> intermediate_;
    std::shared_ptr<EVP_PKEY> key_;
    std::shared_ptr<X509> certificate_;
};

} // namespace test

#endif
