#ifndef COAUTH_SRC_CRYPTO_PRIVATE_KEY_HPP
#define COAUTH_SRC_CRYPTO_PRIVATE_KEY_HPP

#include <coauth/signing_key.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct evp_pkey_st;

namespace coauth::protocol
{

// A `signing_key` that was read: immutable, and used from any thread.
class private_key
{
public:
    // Reads it, or says what is wrong with it; `what` names the option in messages, as in
    // "authentication: the signing key".
    static result<std::shared_ptr<private_key const>>
    load(signing_key const& from, std::string_view what, std::chrono::system_clock::time_point now);

    ~private_key();
    private_key(private_key const&) = delete;
    private_key& operator=(private_key const&) = delete;

    // By which it signs.
    [[nodiscard]] signature_algorithm algorithm() const noexcept { return algorithms_.front(); }
    // By which it could sign, where the user has not said: that one first.
    [[nodiscard]] std::vector<signature_algorithm> const& algorithms() const noexcept
    {
        return algorithms_;
    }
    [[nodiscard]] std::string const& key_id() const noexcept { return key_id_; }
    // `x5t#S256`: of the certificate; empty where there is none.
    [[nodiscard]] std::string const& certificate_thumbprint() const noexcept { return x5t_; }
    // Signs in place of a key; empty where there is a key.
    [[nodiscard]] signer_function const& signer() const noexcept { return sign_; }

    // The public half as a JSON Web Key with its required members alone, and its thumbprint
    // (RFC 7638). Empty where a function signs.
    [[nodiscard]] std::string const& public_jwk() const noexcept { return jwk_; }
    [[nodiscard]] std::string const& thumbprint() const noexcept { return thumbprint_; }

    // The signature as RFC 7518 wants it, its bytes as they are. Not where a function signs.
    [[nodiscard]] result<secret> sign(std::string_view input) const;

private:
    struct free_key
    {
        void operator()(evp_pkey_st* key) const noexcept;
    };

    private_key() = default;

    std::unique_ptr<evp_pkey_st, free_key> key_;
    signer_function sign_;
    std::vector<signature_algorithm> algorithms_;
    std::string key_id_;
    std::string x5t_;
    std::string jwk_;
    std::string thumbprint_;
};

// What a user's function signed, as RFC 7518 wants it. Where it gave DER for ES256 and its like, as
// key management services do, r and s are taken out of it.
result<secret> signature_of_signer(signature_algorithm by, result<std::string> given);

} // namespace coauth::protocol

#endif
