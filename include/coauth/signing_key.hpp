#ifndef COAUTH_SIGNING_KEY_HPP
#define COAUTH_SIGNING_KEY_HPP

#include <coauth/detail/text_argument.hpp>
#include <coauth/export.hpp>
#include <coauth/result.hpp>
#include <coauth/secret.hpp>
#include <coauth/secret_provider.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace coauth
{

namespace detail
{

struct signing_key_access;
struct signing_key_data;

} // namespace detail

/// The signature algorithms of JSON Web Tokens (RFC 7518 section 3.1, RFC 8037).
enum class signature_algorithm
{
    /// HMAC with SHA-256.
    hs256,
    /// HMAC with SHA-384.
    hs384,
    /// HMAC with SHA-512.
    hs512,
    /// RSA PKCS #1 v1.5 with SHA-256.
    rs256,
    /// RSA PKCS #1 v1.5 with SHA-384.
    rs384,
    /// RSA PKCS #1 v1.5 with SHA-512.
    rs512,
    /// RSA-PSS with SHA-256.
    ps256,
    /// RSA-PSS with SHA-384.
    ps384,
    /// RSA-PSS with SHA-512.
    ps512,
    /// ECDSA on P-256 with SHA-256.
    es256,
    /// ECDSA on P-384 with SHA-384.
    es384,
    /// ECDSA on P-521 with SHA-512.
    es512,
    /// Ed25519, by the name that most servers know.
    eddsa,
    /// Ed25519, by its newer name (RFC 9864).
    ed25519,
};

/// The name in tokens and metadata, such as `"RS256"`.
[[nodiscard]] COAUTH_DECL std::string_view to_string(signature_algorithm algorithm) noexcept;
/// The algorithm with this name. None: the name is unknown.
[[nodiscard]] COAUTH_DECL std::optional<signature_algorithm>
parse_signature_algorithm(std::string_view name) noexcept;

/// Signs with a key that cannot be exported, in an HSM or a key management service.
///
/// It must not block, and must call `done` once, from any thread, now or later, with the signature
/// or with an error. The signature has the form of RFC 7518 (for ECDSA: r followed by s); DER is
/// accepted too. Further calls of `done` are ignored. If `done` is destroyed without a call,
/// signing has failed. The operation's deadline and cancellation do not wait for it.
using signer_function =
    std::function<void(std::string signing_input, std::function<void(result<std::string>)> done)>;

/// A private key that signs assertions (RFC 7523) or DPoP proofs (RFC 9449).
///
/// It only names the key. The client reads the key in its constructor, and reports an unusable key
/// as `errc::invalid_configuration`. Supported are RSA and RSA-PSS keys of at least 2048 bits,
/// P-256, P-384, P-521 and Ed25519 keys: in PEM, plain or encrypted (PKCS #8 or traditional), as a
/// JSON Web Key, in PKCS #12 or DER, and in base64 of these. PEM may have `\n` as two characters,
/// indented lines, quotes, and what else happens to text that is pasted.
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

    /// The key in a file. `passphrase` is called only if the key is encrypted.
    [[nodiscard]] static signing_key
    pem_file(detail::text_argument path, secret_provider passphrase = {});
    /// The key as text, or as the bytes of a file. `passphrase` is called only if the key is
    /// encrypted.
    [[nodiscard]] static signing_key pem(secret text, secret_provider passphrase = {});
    /// A function that signs with this algorithm, in place of a key. For DPoP it needs a
    /// `public_key` or a certificate too.
    [[nodiscard]] static signing_key signer(signature_algorithm algorithm, signer_function sign);

    /// A copy with this algorithm. Default: RS256 for RSA; ES256, ES384 or ES512 by the curve;
    /// EdDSA for Ed25519.
    [[nodiscard]] signing_key algorithm(signature_algorithm algorithm) const;
    /// A copy with this `kid`, which identifies the key to the server (RFC 7515 section 4.1.4).
    /// Default: that of a JSON Web Key; else none is sent.
    [[nodiscard]] signing_key key_id(detail::text_argument id) const;
    /// A copy with the public half of the key, as PEM text or a JSON Web Key, for a signer
    /// function. Default: that of the certificate.
    [[nodiscard]] signing_key public_key(detail::text_argument text) const;
    /// A copy with the key's certificate as PEM text, for servers that identify the key by the
    /// certificate's thumbprint (`x5t#S256`, RFC 7515 section 4.1.8).
    [[nodiscard]] signing_key certificate_pem(detail::text_argument text) const;
    /// The same with the certificate in a PEM file, which is read with the key.
    [[nodiscard]] signing_key certificate_file(detail::text_argument path) const;

    /// A copy whose assertions name the certificate by its SHA-1 thumbprint too (`x5t`), for
    /// servers that know no other, such as AD FS. Needs a certificate.
    [[nodiscard]] signing_key x5t() const;
    /// A copy whose assertions contain the certificate itself (`x5c`, RFC 7515 section 4.1.6), and
    /// the intermediate ones that follow it in the PEM text, for servers that verify its chain.
    /// Needs a certificate.
    [[nodiscard]] signing_key x5c() const;

    /// True if there is no key.
    [[nodiscard]] bool empty() const noexcept { return !data_; }

private:
    friend struct detail::signing_key_access;

    explicit signing_key(std::shared_ptr<detail::signing_key_data const> data) noexcept;

    std::shared_ptr<detail::signing_key_data const> data_;
};

} // namespace coauth

#endif
