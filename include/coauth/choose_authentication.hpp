#ifndef COAUTH_CHOOSE_AUTHENTICATION_HPP
#define COAUTH_CHOOSE_AUTHENTICATION_HPP

#include <coauth/authorization_server.hpp>
#include <coauth/client_authentication.hpp>
#include <coauth/export.hpp>
#include <coauth/result.hpp>

#include <string>

namespace coauth
{

/// What a client has to prove itself with. A plain aggregate.
struct client_credentials
{
    secret client_secret = {};
    signing_key key = {};
    /// `tls_options::certificate_file` or `certificate_pem` is given.
    bool certificate = false;
    /// For the assertions that key or secret sign.
    assertion_options assertions = {};
};

/// Chooses a method of client authentication that the server says it knows and for which there are
/// the credentials: the key first, then the secret (by HTTP Basic, in the body, or as the key of an
/// assertion), then the certificate, then none. So a certificate beside a key or a secret binds the
/// tokens, and proves who the client is only where those do not serve. Where the key leaves a
/// choice, the algorithm too is one that the server says it knows. Reads the key; one that is
/// faulty is an error, one by whose algorithms the server does not verify is passed over.
///
/// A server that does not say what it knows takes the secret by HTTP Basic (RFC 8414 section 2).
///
/// \return `errc::invalid_configuration` where none fits; the message names what the server knows.
[[nodiscard]] COAUTH_DECL result<client_authentication> choose_authentication(
    authorization_server const& server, detail::given_text client_id,
    client_credentials credentials);

/// The key for `dpop_prover` with an algorithm that the server says it knows, where the key leaves
/// a choice: RS256 or PS256 of an RSA key. Reads the key.
///
/// \return `errc::invalid_configuration` where none fits; the message names those of both.
[[nodiscard]] COAUTH_DECL result<signing_key>
choose_dpop_key(authorization_server const& server, signing_key const& key);

} // namespace coauth

#endif
