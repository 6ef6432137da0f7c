#ifndef COAUTH_TEST_SUPPORT_TEST_KEYS_HPP
#define COAUTH_TEST_SUPPORT_TEST_KEYS_HPP

#include <boost/json/object.hpp>

#include <memory>
#include <string>
#include <string_view>

struct evp_pkey_st;

namespace test
{

// A private key that is made and used by OpenSSL alone, not by the library.
class test_key
{
public:
    // "RSA", "P-256", "P-384", "P-521" or "Ed25519"; and kinds that the library rejects: "RSA
    // 1024", "RSA-PSS", "DSA" and other names of curves and algorithms.
    explicit test_key(std::string const& kind);
    static test_key from_pem(std::string const& pem);

    [[nodiscard]] std::string public_pem() const;
    [[nodiscard]] std::string private_pem() const;
    // In PKCS #8, and in OpenSSL's older format.
    [[nodiscard]] std::string encrypted_pem(std::string const& passphrase) const;
    [[nodiscard]] std::string traditional_pem(std::string const& passphrase) const;
    // The public half as a JSON Web Key.
    [[nodiscard]] boost::json::object jwk() const;
    // RFC 7638.
    [[nodiscard]] std::string thumbprint() const;
    // In the format of RFC 7518.
    [[nodiscard]] std::string sign(std::string_view algorithm, std::string_view text) const;
    [[nodiscard]] bool
    verifies(std::string_view algorithm, std::string_view text, std::string_view signature) const;

    [[nodiscard]] evp_pkey_st* get() const { return key_.get(); }

private:
    test_key(evp_pkey_st* key, std::string kind);

    std::shared_ptr<evp_pkey_st> key_;
    std::string kind_;
};

// The kind of key for this algorithm.
std::string kind_of(std::string_view algorithm);

// A key, and a certificate for it.
struct identity
{
    test_key key;
    std::string certificate_pem;
    // `x5t#S256`.
    std::string thumbprint;
};

// A certificate for "O=Example, CN=`common_name`", self-signed without an issuer. The times are in
// seconds from now.
identity make_identity(
    std::string const& common_name, identity const* issuer = nullptr, bool is_ca = false,
    long ends = 3600, long begins = -7200);

// The two parts of a JSON Web Token that are signed.
struct token_draft
{
    boost::json::object header;
    boost::json::object claims;
};

// Sign the token, with the algorithm in its header.
std::string signed_by(test_key const& key, std::string const& algorithm, token_draft draft);
std::string signed_by(std::string const& secret, std::string const& algorithm, token_draft draft);

// The header (0) or the claims (1) of a token.
boost::json::object part_of(std::string_view token, int which);

std::string base64url(std::string_view bytes);
std::string from_base64url(std::string_view text);

} // namespace test

#endif
