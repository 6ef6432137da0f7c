#ifndef COAUTH_DPOP_HPP
#define COAUTH_DPOP_HPP

#include <coauth/access_token.hpp>
#include <coauth/export.hpp>
#include <coauth/result.hpp>
#include <coauth/secret.hpp>
#include <coauth/signing_key.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace coauth
{

namespace detail
{

struct dpop_access;
struct dpop_proof_input;

} // namespace detail

/// Signs DPoP proofs (RFC 9449), which show that the sender of a request has the private key to
/// which its token is bound.
///
/// \code
/// coauth::client_config config;
/// config.dpop = std::make_shared<coauth::dpop_prover>(coauth::signing_key::pem_file("dpop.key"));
///
/// // The tokens have the type DPoP, and each API request carries a proof of its own.
/// auto token = co_await client.async_get_access_token();
/// if (!token)
///     co_return;
/// auto const proof = config.dpop->proof_for("GET", "https://api.example.com/messages", *token);
/// \endcode
///
/// Remembers the last nonce of each origin. The case of the host and the default port do not
/// matter.
///
/// The file of the key may be replaced while the program runs: new tokens are bound to the new key,
/// and proofs for a token that was requested before are signed with the key to which it is bound.
///
/// The key may be a signer function, if it has a public key (`signing_key::public_key` or a
/// certificate). Proofs for APIs then come from `async_dpop_proof`.
///
/// \par Thread safety
/// All functions may be called from any thread at the same time.
class COAUTH_DECL dpop_prover
{
public:
    /// Reads the key. `validate()`, every proof and every client that uses the prover report an
    /// unusable key.
    explicit dpop_prover(signing_key const& key);
    /// Releases the key.
    ~dpop_prover();
    ///@{

    /// Not copyable.
    dpop_prover(dpop_prover const&) = delete;
    dpop_prover& operator=(dpop_prover const&) = delete;
    ///@}

    /// Success, or the error in the key.
    [[nodiscard]] result<void> validate() const;
    /// The same; also an error if the key's algorithm is not one of `supported`, which are names as
    /// in `authorization_server::dpop_algorithms`. Empty: any algorithm. See `select_dpop_key`.
    [[nodiscard]] result<void> validate(std::vector<std::string> const& supported) const;

    /// Returns the value of the DPoP field for one request to a resource server. Each request needs
    /// a new proof.
    ///
    /// \param method The HTTP method of the request.
    /// \param url The URL of the request. User information, query and fragment are left out of the
    ///     proof; scheme and host are written in lower case, and a default port is omitted.
    /// \param token The token that the request carries.
    /// \return The proof. If the key is a signer function, `errc::invalid_configuration`: use
    ///     `async_dpop_proof`.
    [[nodiscard]] result<secret>
    proof_for(std::string_view method, std::string_view url, access_token const& token);

    /// Stores the DPoP-Nonce field of a response (RFC 9449 sections 8 and 9). Later proofs for the
    /// same origin carry it. After a response 401 with the error `use_dpop_nonce`, store its nonce
    /// and repeat the request with a new proof.
    ///
    /// \param url The URL of the request.
    /// \param nonce The value of the field.
    void remember_nonce(std::string_view url, std::string_view nonce);

    /// The key's thumbprint (RFC 7638): the `jkt` of a bound token. Empty: the key is not usable.
    [[nodiscard]] std::string thumbprint() const;

private:
    friend struct detail::dpop_access;

    [[nodiscard]] result<detail::dpop_proof_input>
    make_proof(std::string_view method, std::string_view url, access_token const* token);

    struct state;
    std::unique_ptr<state> state_;
};

} // namespace coauth

#endif
