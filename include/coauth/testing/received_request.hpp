#ifndef COAUTH_TESTING_RECEIVED_REQUEST_HPP
#define COAUTH_TESTING_RECEIVED_REQUEST_HPP

#include <coauth/export.hpp>
#include <coauth/http_headers.hpp>

#include <string>
#include <string_view>

namespace coauth::testing
{

/// How a client proves who it is (RFC 6749 section 2.3, OpenID Connect Core section 9, RFC 8705).
enum class authentication_method
{
    /// By nothing, or by a client_id alone.
    none,
    client_secret_basic,
    client_secret_post,
    /// An assertion with a HMAC of the client's secret.
    client_secret_jwt,
    /// An assertion signed with the client's private key.
    private_key_jwt,
    /// A certificate of a CA, for the client's subject.
    tls_client_auth,
    /// The very certificate that is registered.
    self_signed_tls_client_auth,
};

/// The name as metadata has it, as in "private_key_jwt".
[[nodiscard]] COAUTH_DECL std::string_view to_string(authentication_method method) noexcept;

/// One request as the server received it.
struct received_request
{
    std::string method;
    std::string target;
    http_headers headers;
    std::string body;
    /// All of it, byte for byte.
    std::string bytes;
    /// How many requests its connection had carried before.
    unsigned earlier_on_connection = 0;
    /// How the client tried to prove who it is, whether or not it succeeded.
    authentication_method authentication = authentication_method::none;
    /// The client that it said it is.
    std::string client_id = {};
    /// SHA-256 of the client's certificate in base64url, as in `x5t#S256` (RFC 8705 section 3.1);
    /// empty: none was shown.
    std::string client_certificate_thumbprint = {};
    /// The thumbprint (RFC 7638) of the key in its DPoP proof, right or not; empty: none was there.
    std::string dpop_thumbprint = {};
};

} // namespace coauth::testing

#endif
