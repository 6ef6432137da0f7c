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

/// Makes DPoP proofs (RFC 9449): that whoever sends a request has the private key to which its
/// token is bound.
///
/// \code
/// coauth::client_config config;
/// config.dpop = std::make_shared<coauth::dpop_prover>(coauth::signing_key::pem_file("dpop.key"));
///
/// // The type of its tokens is DPoP, and calls of an API carry a proof of their own.
/// auto token = co_await client.async_get_access_token();
/// if (!token)
///     co_return;
/// auto const proof = config.dpop->proof_for("GET", "https://api.example.com/messages", *token);
/// \endcode
///
/// Remembers the nonce that each origin gave last. Thread safety: all functions may be called from
/// any thread, at the same time.
class COAUTH_DECL dpop_prover
{
public:
    /// With a key in PEM; not one for which a function signs. A faulty key is reported by
    /// `status()`, by every proof and by clients that use this.
    explicit dpop_prover(signing_key const& key);
    ~dpop_prover();
    dpop_prover(dpop_prover const&) = delete;
    dpop_prover& operator=(dpop_prover const&) = delete;

    [[nodiscard]] result<void> status() const;
    /// The same, and whether its algorithm is one of these, as
    /// `authorization_server::dpop_algorithms` names them; empty: any. Clients ask when they are
    /// made; see `choose_dpop_key`.
    [[nodiscard]] result<void> status(std::vector<std::string> const& known) const;

    /// The value of a DPoP field for a request to a resource server: method and URL as they are
    /// sent (query and fragment do not count), and the token that goes with it. One proof is for
    /// one request.
    [[nodiscard]] result<secret>
    proof_for(std::string_view method, std::string_view url, access_token const& token);

    /// Tells that a server answered with this DPoP-Nonce field (RFC 9449 section 8 and 9): later
    /// proofs for the same origin carry it. An answer 401 with the error `use_dpop_nonce` is then
    /// to be followed by the same request with a new proof.
    void remember_nonce(std::string_view url, std::string_view nonce);

    /// The key's thumbprint (RFC 7638), as the `jkt` of a bound token shows it.
    [[nodiscard]] std::string const& thumbprint() const noexcept;

    /// A proof for a token endpoint; for the library itself.
    [[nodiscard]] result<secret> proof_for(std::string_view method, std::string_view url);

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace coauth

#endif
