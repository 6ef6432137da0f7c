#ifndef COAUTH_TESTING_RECEIVED_REQUEST_HPP
#define COAUTH_TESTING_RECEIVED_REQUEST_HPP

#include <coauth/export.hpp>
#include <coauth/http_headers.hpp>

#include <string>
#include <string_view>

namespace coauth::testing
{

/// How a client authenticated (RFC 6749 section 2.3, OpenID Connect Core section 9, RFC 8705).
enum class authentication_method
{
    /// Not at all, or by a client_id alone.
    none,
    /// The secret by HTTP Basic.
    client_secret_basic,
    /// The secret in the request body.
    client_secret_post,
    /// An assertion signed with the client's secret.
    client_secret_jwt,
    /// An assertion signed with the client's private key.
    private_key_jwt,
    /// A certificate issued by a CA for the client's subject.
    tls_client_auth,
    /// A registered certificate.
    self_signed_tls_client_auth,
};

/// The name in metadata, such as "private_key_jwt".
[[nodiscard]] COAUTH_DECL std::string_view to_string(authentication_method method) noexcept;

/// A request as the server received it.
struct received_request
{
    /// The HTTP method.
    std::string method;
    /// The request target: path and query.
    std::string target;
    /// The header fields.
    http_headers headers;
    /// The body.
    std::string body;
    /// The bytes of the whole request.
    std::string bytes;
    /// The number of earlier requests on the same connection.
    unsigned earlier_on_connection = 0;
    /// How the client tried to authenticate, whether or not it succeeded.
    authentication_method authentication = authentication_method::none;
    /// The client id that the client sent.
    std::string client_id = {};
    /// SHA-256 of the client's certificate in base64url, as in `x5t#S256` (RFC 8705 section 3.1).
    /// Empty: there was no certificate.
    std::string client_certificate_thumbprint = {};
    /// The RFC 7638 thumbprint of the key in the DPoP proof, whether or not the proof is valid.
    /// Empty: there was no proof.
    std::string dpop_thumbprint = {};
};

} // namespace coauth::testing

#endif
