#ifndef COAUTH_SELECT_CLIENT_AUTHENTICATION_HPP
#define COAUTH_SELECT_CLIENT_AUTHENTICATION_HPP

#include <coauth/authorization_server.hpp>
#include <coauth/client_authentication.hpp>
#include <coauth/export.hpp>
#include <coauth/result.hpp>

#include <string>

namespace coauth
{

/// The credentials of a client. A plain aggregate; an empty member is not available.
struct available_credentials
{
    /// The client secret.
    secret client_secret = {};
    /// The private key of client assertions.
    signing_key key = {};
    /// True if `tls_options::certificate_file` or `certificate_pem` is set.
    bool certificate = false;
    /// Options of the assertions that the key or the secret signs.
    assertion_options assertions = {};
};

/// Chooses a method of client authentication that the server supports and for which there are
/// credentials.
///
/// The order of preference: the key, the secret (by HTTP Basic, in the body, or as the key of an
/// assertion), the certificate, none. If a certificate is configured beside a key or a secret, it
/// only binds the tokens. If the key allows several algorithms, the function chooses one that the
/// server supports. It reads the key: an unreadable key is an error, and a key with no algorithm
/// that the server supports is skipped. If the server's metadata name no methods, the secret is
/// sent by HTTP Basic (RFC 8414 section 2).
///
/// \return The method; or `errc::invalid_configuration` if none fits, with a message that names
///     what the server supports.
[[nodiscard]] COAUTH_DECL result<client_authentication> select_client_authentication(
    authorization_server const& server, detail::text_argument client_id,
    available_credentials credentials);

/// Returns the key for a `dpop_prover` with an algorithm that the server supports: an RSA key can
/// sign by RS256 or PS256. Reads the key.
///
/// \return The key; or `errc::invalid_configuration` if the key has no algorithm that the server
///     supports, with a message that names the algorithms of both.
[[nodiscard]] COAUTH_DECL result<signing_key>
select_dpop_key(authorization_server const& server, signing_key const& key);

} // namespace coauth

#endif
