#ifndef COAUTH_SIGNING_KEY_HPP
#define COAUTH_SIGNING_KEY_HPP

#include <coauth/detail/given_text.hpp>
#include <coauth/export.hpp>
#include <coauth/result.hpp>
#include <coauth/secret.hpp>
#include <coauth/secret_function.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace coauth
{

/// How a JSON Web Token is signed (RFC 7518 section 3.1, RFC 8037).
enum class signature_algorithm
{
    hs256,
    hs384,
    hs512,
    rs256,
    rs384,
    rs512,
    ps256,
    ps384,
    ps512,
    es256,
    es384,
    es512,
    /// Ed25519, by the name that most servers know.
    eddsa,
    /// The same by its newer name (RFC 9864).
    ed25519,
};

/// The name as tokens have it, as in `"RS256"`.
[[nodiscard]] COAUTH_DECL std::string_view to_string(signature_algorithm algorithm) noexcept;
/// The algorithm of that name; none: there is no such one here.
[[nodiscard]] COAUTH_DECL std::optional<signature_algorithm>
signature_algorithm_of(std::string_view name) noexcept;

/// Signs in place of a key, for keys that cannot be had: in an HSM or a key management service.
///
/// Has to call `done` once, from any thread, now or later, with the signature as RFC 7518 wants it
/// (for ES256 and its like r and s side by side; DER is understood too), or with what went wrong.
/// It must not block. Further calls are ignored; a `done` that is destroyed uncalled is a failure.
/// The deadline of the operation and its cancellation do not wait for it.
using signer_function =
    std::function<void(std::string signing_input, std::function<void(result<std::string>)> done)>;

/// A private key that signs assertions (RFC 7523) or DPoP proofs (RFC 9449).
///
/// Says where the key is; it is read once, when the client is made, and what is wrong with it is
/// then reported as `errc::invalid_configuration`. RSA of at least 2048 bits, P-256, P-384, P-521
/// and Ed25519 keys are understood, in PEM, plain or encrypted (PKCS #8 or traditional).
///
/// \code
/// auto const key = coauth::signing_key::pem_file("client.key").key_id("2026-11");
/// \endcode
///
/// Copies share the key, and may be used from different threads.
class COAUTH_DECL signing_key
{
public:
    /// No key; not usable.
    signing_key() = default;

    /// The key in a PEM file. `passphrase` is asked for only when it is encrypted.
    [[nodiscard]] static signing_key
    pem_file(detail::given_text path, secret_function passphrase = {});
    /// The key as PEM text.
    [[nodiscard]] static signing_key pem(secret text, secret_function passphrase = {});
    /// A function that signs by this algorithm, in place of a key.
    [[nodiscard]] static signing_key signer(signature_algorithm algorithm, signer_function sign);

    /// The algorithm, where the key leaves a choice. By default RS256 for RSA; ES256, ES384 or
    /// ES512 by the curve; EdDSA for Ed25519.
    [[nodiscard]] signing_key algorithm(signature_algorithm wanted) const;
    /// The `kid` by which the server knows the key (RFC 7515 section 4.1.4). Empty, the default:
    /// none is sent.
    [[nodiscard]] signing_key key_id(detail::given_text id) const;
    /// The certificate of the key, as PEM text, by whose thumbprint the server knows it
    /// (`x5t#S256`, RFC 7515 section 4.1.8).
    [[nodiscard]] signing_key certificate_pem(detail::given_text text) const;
    /// The same in a PEM file, which is read with the key.
    [[nodiscard]] signing_key certificate_file(detail::given_text path) const;

    [[nodiscard]] bool empty() const noexcept { return !given_; }

    /// What was given; for the library itself.
    struct description
    {
        std::string path;
        secret pem;
        secret_function passphrase;
        signer_function sign;
        std::optional<signature_algorithm> algorithm;
        std::string key_id;
        std::string certificate_pem;
        std::string certificate_path;
    };
    [[nodiscard]] description const* given() const noexcept { return given_.get(); }

private:
    std::shared_ptr<description const> given_;
};

} // namespace coauth

#endif
