#ifndef COAUTH_TESTING_RECEIVED_REQUEST_HPP
#define COAUTH_TESTING_RECEIVED_REQUEST_HPP

#include <coauth/client_authentication.hpp>
#include <coauth/export.hpp>
#include <coauth/http_headers.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace coauth::testing
{

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

    /// The value of the first parameter of the form with this name. Empty: there is none.
    [[nodiscard]] COAUTH_DECL std::string parameter(std::string_view name) const;
    /// The values of all parameters with this name, such as several audiences.
    [[nodiscard]] COAUTH_DECL std::vector<std::string> parameters(std::string_view name) const;
};

} // namespace coauth::testing

#endif
