#ifndef COAUTH_CLIENT_AUTHENTICATION_HPP
#define COAUTH_CLIENT_AUTHENTICATION_HPP

#include <coauth/detail/text_argument.hpp>
#include <coauth/export.hpp>
#include <coauth/secret.hpp>
#include <coauth/secret_provider.hpp>
#include <coauth/signing_key.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

namespace coauth
{

/// The audience (`aud`) of client assertions. Servers differ: one rejects what another requires.
enum class audience_source
{
    /// The server's issuer if it is known, else its token endpoint.
    issuer,
    /// The token endpoint, also for introspection and revocation.
    token_endpoint,
    /// The URL of the request: the token endpoint for a token, the introspection endpoint for
    /// introspection, the mTLS alias for a client with a certificate.
    endpoint,
};

/// Options of client assertions (RFC 7523 section 3). A plain aggregate.
struct assertion_options
{
    /// The audience as text. Empty: `audience_source` selects it.
    std::string audience = {};
    /// The lifetime of each assertion: from 1 s to 1 hour.
    std::chrono::seconds lifetime{60};
    /// Selects the audience if `audience` is empty.
    coauth::audience_source audience_source = coauth::audience_source::issuer;
    /// The `typ` header; some servers require "client-authentication+jwt".
    std::string type = "JWT";
    /// Further claims of any type: the text of a JSON object, such as `{"roles":["a"],"level":3}`.
    std::string json_claims = {};
    /// How far in the past `iat` (and `nbf`) are, for a server whose clock is behind: from 0 to 1
    /// hour. The assertion still expires `lifetime` from now. The error of a server that rejects an
    /// assertion says so if the clocks differ by more than 30 s.
    std::chrono::seconds backdate{0};
    /// Add `nbf`, the same time as `iat`.
    bool not_before = false;
};

/// The methods of client authentication. Each is described at the function of
/// `client_authentication` with the same name.
enum class authentication_method
{
    /// None was chosen; not usable.
    unset,
    /// Only the client id.
    none,
    /// Not even a client id.
    anonymous,
    /// HTTP Basic, form-encoded.
    client_secret_basic,
    /// HTTP Basic, not encoded.
    client_secret_basic_unencoded,
    /// The secret in the request body.
    client_secret_post,
    /// An assertion signed with the secret.
    client_secret_jwt,
    /// An assertion signed with a private key.
    private_key_jwt,
    /// An assertion that somebody else signed.
    client_assertion,
    /// A TLS certificate issued by a CA.
    tls_client_auth,
    /// A TLS certificate registered at the server.
    self_signed_tls_client_auth,
    /// A bearer token.
    bearer_token,
};

/// The name of the method, such as "client_secret_basic".
[[nodiscard]] COAUTH_DECL std::string_view to_string(authentication_method method) noexcept;

/// How the client authenticates to the authorization server (RFC 6749 section 2.3).
///
/// Create it with one of the static functions. With a default-constructed one the client reports
/// `errc::invalid_configuration`. A value type: different objects may be used from different
/// threads.
///
/// Ids and secrets may be the result of `std::getenv`: a null pointer is empty text, and the client
/// reports what is missing and required.
class client_authentication
{
public:
    /// No method; not usable.
    client_authentication() = default;

    ///@{

    /// HTTP Basic with id and secret form-encoded first (RFC 6749 section 2.3.1).
    ///
    /// Letters, digits and `-._*` are not escaped, so most credentials also work at servers that do
    /// not decode. The secret is a value, or a function that returns it (see `secret_provider`).
    static client_authentication
    client_secret_basic(detail::text_argument client_id, secret client_secret)
    {
        return {
            authentication_method::client_secret_basic, std::move(client_id),
            std::move(client_secret)};
    }

    static client_authentication
    client_secret_basic(detail::text_argument client_id, secret_provider client_secret)
    {
        return {
            authentication_method::client_secret_basic, std::move(client_id),
            std::move(client_secret)};
    }
    ///@}

    ///@{

    /// HTTP Basic with id and secret not encoded (RFC 7617), as SMS.CX and others expect. The id
    /// must not contain a colon; id and secret must not contain control characters.
    static client_authentication
    client_secret_basic_unencoded(detail::text_argument client_id, secret client_secret)
    {
        return {
            authentication_method::client_secret_basic_unencoded, std::move(client_id),
            std::move(client_secret)};
    }

    static client_authentication
    client_secret_basic_unencoded(detail::text_argument client_id, secret_provider client_secret)
    {
        return {
            authentication_method::client_secret_basic_unencoded, std::move(client_id),
            std::move(client_secret)};
    }
    ///@}

    ///@{

    /// Id and secret as parameters of the request body (RFC 6749 section 2.3.1). An empty id is
    /// not sent, for servers that know the client by its secret, as Snowflake and Polaris do.
    static client_authentication
    client_secret_post(detail::text_argument client_id, secret client_secret)
    {
        return {
            authentication_method::client_secret_post, std::move(client_id),
            std::move(client_secret)};
    }

    static client_authentication
    client_secret_post(detail::text_argument client_id, secret_provider client_secret)
    {
        return {
            authentication_method::client_secret_post, std::move(client_id),
            std::move(client_secret)};
    }
    ///@}

    ///@{

    /// An assertion signed with the client secret (RFC 7523; OpenID Connect Core section 9), a new
    /// one for each attempt. The algorithm is HS256, HS384 or HS512; a server may reject a secret
    /// of fewer than 32, 48 or 64 bytes (RFC 7518 section 3.2).
    static client_authentication client_secret_jwt(
        detail::text_argument client_id, secret client_secret,
        signature_algorithm algorithm = signature_algorithm::hs256, assertion_options options = {});
    static client_authentication client_secret_jwt(
        detail::text_argument client_id, secret_provider client_secret,
        signature_algorithm algorithm = signature_algorithm::hs256, assertion_options options = {});
    ///@}

    /// An assertion signed with a private key (RFC 7523), a new one for each attempt.
    static client_authentication private_key_jwt(
        detail::text_argument client_id, signing_key key, assertion_options options = {});

    /// An assertion that somebody else signed (RFC 7521 section 4.2), such as a Kubernetes service
    /// account token or a cloud's workload identity token. `secret_from_file` reads it from a file,
    /// and again when the file changes. If the client id is empty, only the assertion identifies
    /// the client.
    static client_authentication client_assertion(
        detail::text_argument client_id, secret_provider assertion,
        std::string type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");

    /// The TLS certificate in `tls_options::certificate_file` or `certificate_pem`, issued by a CA
    /// that the server trusts (RFC 8705 section 2.1).
    static client_authentication tls_client_auth(detail::text_argument client_id)
    {
        return {authentication_method::tls_client_auth, std::move(client_id), secret()};
    }

    /// The same with a certificate that is registered at the server (RFC 8705 section 2.2).
    static client_authentication self_signed_tls_client_auth(detail::text_argument client_id)
    {
        return {authentication_method::self_signed_tls_client_auth, std::move(client_id), secret()};
    }

    /// No authentication: only `client_id` is sent (RFC 6749 section 3.2.1).
    static client_authentication none(detail::text_argument client_id)
    {
        return {authentication_method::none, std::move(client_id), secret()};
    }

    /// No authentication and no client id: the assertion that is the grant identifies the client
    /// (RFC 7521 section 4.1), as with `token_request::jwt_bearer` for a Google service account.
    static client_authentication anonymous()
    {
        return {authentication_method::anonymous, std::string(), secret()};
    }

    /// A bearer token in the Authorization field (RFC 6750 section 2.1), in place of a client's
    /// credentials: for introspection (RFC 7662 section 2.1) and other endpoints that are protected
    /// as an API is. The function is called as for a client secret: before each operation, and
    /// again if the server rejects the token. With a `token_source` that has a token:
    ///
    /// \code
    /// auto const current = [&tokens]() -> coauth::result<coauth::secret>
    /// { return coauth::secret(tokens.try_get().value()); };
    /// coauth::client_config config;
    /// config.authentication = coauth::client_authentication::bearer_token(current);
    /// \endcode
    static client_authentication bearer_token(secret_provider token)
    {
        return {authentication_method::bearer_token, std::string(), std::move(token)};
    }

    /// A copy that sends `client_id` in the body too if the method is HTTP Basic, for servers that
    /// require both. The other methods do so anyway.
    [[nodiscard]] client_authentication with_client_id_in_body() const
    {
        auto copy = *this;
        copy.has_client_id_in_body_ = true;
        return copy;
    }

    /// A copy with this secret in place of its secret or `secret_provider`.
    [[nodiscard]] client_authentication with_secret(secret client_secret) const
    {
        auto copy = *this;
        copy.client_secret_ = std::move(client_secret);
        copy.client_secret_provider_ = nullptr;
        return copy;
    }

    /// The method.
    [[nodiscard]] authentication_method type() const noexcept { return type_; }
    /// The client id; may be empty.
    [[nodiscard]] std::string const& client_id() const noexcept { return client_id_; }
    /// True if HTTP Basic sends the client id in the body too.
    [[nodiscard]] bool has_client_id_in_body() const noexcept { return has_client_id_in_body_; }
    /// The secret. Empty: there is none, or a function returns it.
    [[nodiscard]] secret const& client_secret() const noexcept { return client_secret_; }
    /// The function that returns the secret or the assertion. Empty: there is none.
    [[nodiscard]] secret_provider const& client_secret_provider() const noexcept
    {
        return client_secret_provider_;
    }
    /// The key of `private_key_jwt`. Empty: there is none.
    [[nodiscard]] signing_key const& key() const noexcept { return key_; }
    /// The algorithm of `client_secret_jwt`.
    [[nodiscard]] signature_algorithm algorithm() const noexcept { return algorithm_; }
    /// The options of assertions.
    [[nodiscard]] assertion_options const& assertions() const noexcept { return assertions_; }
    /// The `client_assertion_type` of the assertion.
    [[nodiscard]] std::string const& assertion_type() const noexcept { return assertion_type_; }

private:
    client_authentication(authentication_method type, std::string client_id, secret client_secret)
        : type_(type)
        , client_id_(std::move(client_id))
        , client_secret_(std::move(client_secret))
    {
    }

    client_authentication(
        authentication_method type, std::string client_id, secret_provider client_secret)
        : type_(type)
        , client_id_(std::move(client_id))
        , client_secret_provider_(std::move(client_secret))
    {
    }

    authentication_method type_ = authentication_method::unset;
    std::string client_id_;
    bool has_client_id_in_body_ = false;
    secret client_secret_;
    secret_provider client_secret_provider_;
    signing_key key_;
    signature_algorithm algorithm_ = signature_algorithm::hs256;
    assertion_options assertions_;
    std::string assertion_type_ = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
};

inline client_authentication client_authentication::client_secret_jwt(
    detail::text_argument client_id, secret client_secret, signature_algorithm algorithm,
    assertion_options options)
{
    client_authentication authentication(
        authentication_method::client_secret_jwt, std::move(client_id), std::move(client_secret));
    authentication.algorithm_ = algorithm;
    authentication.assertions_ = std::move(options);
    return authentication;
}

inline client_authentication client_authentication::client_secret_jwt(
    detail::text_argument client_id, secret_provider client_secret, signature_algorithm algorithm,
    assertion_options options)
{
    client_authentication authentication(
        authentication_method::client_secret_jwt, std::move(client_id), std::move(client_secret));
    authentication.algorithm_ = algorithm;
    authentication.assertions_ = std::move(options);
    return authentication;
}

inline client_authentication client_authentication::private_key_jwt(
    detail::text_argument client_id, signing_key key, assertion_options options)
{
    client_authentication authentication(
        authentication_method::private_key_jwt, std::move(client_id), secret());
    authentication.key_ = std::move(key);
    authentication.assertions_ = std::move(options);
    return authentication;
}

inline client_authentication client_authentication::client_assertion(
    detail::text_argument client_id, secret_provider assertion, std::string type)
{
    client_authentication authentication(
        authentication_method::client_assertion, std::move(client_id), std::move(assertion));
    authentication.assertion_type_ = std::move(type);
    return authentication;
}

} // namespace coauth

#endif
