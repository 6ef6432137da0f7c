#ifndef COAUTH_SRC_CRYPTO_PRIVATE_KEY_HPP
#define COAUTH_SRC_CRYPTO_PRIVATE_KEY_HPP

#include <coauth/signing_key.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct evp_pkey_st;

namespace coauth::crypto
{

// The key that a `signing_key` names, after it was read. Immutable; may be used from any thread.
class private_key
{
public:
    // Reads the key. `subject` names the option in messages, such as "authentication: the signing
    // key". `now` is compared with the validity of the certificate.
    static result<std::shared_ptr<private_key const>> load(
        signing_key const& source, std::string_view subject,
        std::chrono::system_clock::time_point now);

    private_key(private_key const&) = delete;
    private_key& operator=(private_key const&) = delete;

    // The algorithm of its signatures.
    [[nodiscard]] signature_algorithm algorithm() const noexcept { return algorithms_.front(); }
    // All algorithms that it may sign with: the one that the user chose, or those of its kind, the
    // default first.
    [[nodiscard]] std::vector<signature_algorithm> const& algorithms() const noexcept
    {
        return algorithms_;
    }
    [[nodiscard]] std::string const& key_id() const noexcept { return key_id_; }
    // `x5t#S256` of its certificate. Empty: it has none.
    [[nodiscard]] std::string const& certificate_thumbprint() const noexcept
    {
        return certificate_thumbprint_;
    }
    // Its `x5t`, and its `x5c` as JSON text. Empty: the key does not ask for them.
    [[nodiscard]] std::string const& certificate_x5t() const noexcept { return certificate_x5t_; }
    [[nodiscard]] std::string const& certificate_x5c() const noexcept { return certificate_x5c_; }
    // The function that signs in place of a key. Empty: there is a key.
    [[nodiscard]] signer_function const& signer() const noexcept { return signer_; }

    // The public half as a JSON Web Key with only the required members, and its thumbprint (RFC
    // 7638). Empty if a function signs whose public half is not known.
    [[nodiscard]] std::string const& public_jwk() const noexcept { return public_jwk_; }
    [[nodiscard]] std::string const& thumbprint() const noexcept { return thumbprint_; }

    // The bytes of the signature in the form of RFC 7518. An error if a function signs.
    [[nodiscard]] result<secret> sign(std::string_view input) const;

private:
    class loader;

    private_key() = default;

    std::shared_ptr<evp_pkey_st> key_;
    signer_function signer_;
    std::vector<signature_algorithm> algorithms_;
    std::string key_id_;
    std::string certificate_thumbprint_;
    std::string certificate_x5t_;
    std::string certificate_x5c_;
    std::string public_jwk_;
    std::string thumbprint_;
};

} // namespace coauth::crypto

#endif
