#ifndef COAUTH_CLIENT_AUTHENTICATION_HPP
#define COAUTH_CLIENT_AUTHENTICATION_HPP

#include <coauth/detail/given_text.hpp>
#include <coauth/secret.hpp>
#include <coauth/secret_function.hpp>
#include <coauth/signing_key.hpp>

#include <chrono>
#include <string>
#include <utility>

namespace coauth
{

/// To whom client assertions are made out (`aud`). Servers differ: what one wants, another refuses.
enum class assertion_audience
{
    /// The server's issuer where it is known, else its token endpoint.
    issuer,
    /// The token endpoint, also where introspection or revocation is asked for.
    token_endpoint,
    /// The URL that the request goes to: the token endpoint for a token, the introspection endpoint
    /// to introspect, the alias where a certificate is shown.
    endpoint,
};

/// How client assertions are made (RFC 7523 section 3). A plain aggregate.
struct assertion_options
{
    /// To whom they are made out, as the server wants it. Empty: `made_out_to` says.
    std::string audience = {};
    /// How long each is good: from 1 s to 1 hour.
    std::chrono::seconds lifetime{60};
    assertion_audience made_out_to = assertion_audience::issuer;
    /// The `typ` of their header; some servers want "client-authentication+jwt".
    std::string type = "JWT";
};

/// How the client proves to the authorization server who it is (RFC 6749 section 2.3).
///
/// Made by one of the named functions. A default-constructed one is not usable: the client reports
/// `errc::invalid_configuration`. Ids and secrets may be what `std::getenv` yields: a null pointer
/// is empty text, and is reported likewise.
class client_authentication
{
public:
    enum class method
    {
        unset,
        none,
        anonymous,
        client_secret_basic,
        client_secret_basic_raw,
        client_secret_post,
        client_secret_jwt,
        private_key_jwt,
        client_assertion,
        tls_client_auth,
        self_signed_tls_client_auth,
    };

    client_authentication() = default;

    /// HTTP Basic with id and secret form-encoded first (RFC 6749 section 2.3.1), escaping as
    /// little as the rule allows: letters, digits and `-._*` stay, so most credentials also work at
    /// servers that do not decode.
    static client_authentication
    client_secret_basic(detail::given_text client_id, secret client_secret)
    {
        return {method::client_secret_basic, std::move(client_id), std::move(client_secret)};
    }

    static client_authentication
    client_secret_basic(detail::given_text client_id, secret_function client_secret)
    {
        return {method::client_secret_basic, std::move(client_id), std::move(client_secret)};
    }

    /// HTTP Basic with id and secret as they are (RFC 7617), as SMS.CX and others expect. The id
    /// may not contain a colon, and neither may contain control characters.
    static client_authentication
    client_secret_basic_raw(detail::given_text client_id, secret client_secret)
    {
        return {method::client_secret_basic_raw, std::move(client_id), std::move(client_secret)};
    }

    static client_authentication
    client_secret_basic_raw(detail::given_text client_id, secret_function client_secret)
    {
        return {method::client_secret_basic_raw, std::move(client_id), std::move(client_secret)};
    }

    /// Id and secret as parameters of the request body (RFC 6749 section 2.3.1).
    static client_authentication
    client_secret_post(detail::given_text client_id, secret client_secret)
    {
        return {method::client_secret_post, std::move(client_id), std::move(client_secret)};
    }

    static client_authentication
    client_secret_post(detail::given_text client_id, secret_function client_secret)
    {
        return {method::client_secret_post, std::move(client_id), std::move(client_secret)};
    }

    /// An assertion signed with the client secret (RFC 7523; OpenID Connect Core section 9), a new
    /// one for each attempt. The algorithm is HS256, HS384 or HS512; a server may refuse a secret
    /// of fewer than 32, 48 or 64 bytes (RFC 7518 section 3.2).
    static client_authentication client_secret_jwt(
        detail::given_text client_id, secret client_secret,
        signature_algorithm algorithm = signature_algorithm::hs256, assertion_options options = {});
    static client_authentication client_secret_jwt(
        detail::given_text client_id, secret_function client_secret,
        signature_algorithm algorithm = signature_algorithm::hs256, assertion_options options = {});

    /// An assertion signed with a private key (RFC 7523), a new one for each attempt.
    static client_authentication
    private_key_jwt(detail::given_text client_id, signing_key key, assertion_options options = {});

    /// An assertion that others made (RFC 7521 section 4.2): a Kubernetes service account token, a
    /// workload identity token of a cloud. With `secret_file` a file that is read again when it
    /// has changed. Where the client id is empty, the assertion alone says who the client is.
    static client_authentication client_assertion(
        detail::given_text client_id, secret_function assertion,
        std::string type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");

    /// The certificate of the TLS connection, `tls_options::certificate_file` or
    /// `certificate_pem`, issued by a CA that the server trusts (RFC 8705 section 2.1).
    static client_authentication tls_client_auth(detail::given_text client_id)
    {
        return {method::tls_client_auth, std::move(client_id), secret()};
    }

    /// The same with a certificate that the server knows itself (RFC 8705 section 2.2).
    static client_authentication self_signed_tls_client_auth(detail::given_text client_id)
    {
        return {method::self_signed_tls_client_auth, std::move(client_id), secret()};
    }

    /// No proof; only `client_id` is sent (RFC 6749 section 3.2.1).
    static client_authentication none(detail::given_text client_id)
    {
        return {method::none, std::move(client_id), secret()};
    }

    /// Nothing, not even a client id, where an assertion that is the grant says who asks (RFC 7521
    /// section 4.1), as with `token_request::jwt_bearer` for a service account of Google.
    static client_authentication anonymous()
    {
        return {method::anonymous, std::string(), secret()};
    }

    /// The same with this secret, and no function.
    [[nodiscard]] client_authentication with_secret(secret now) const
    {
        auto made = *this;
        made.client_secret_ = std::move(now);
        made.client_secret_function_ = nullptr;
        return made;
    }

    [[nodiscard]] method how() const noexcept { return method_; }
    [[nodiscard]] std::string const& client_id() const noexcept { return client_id_; }
    /// The secret; empty where a function gives it.
    [[nodiscard]] secret const& client_secret() const noexcept { return client_secret_; }
    /// The function that gives the secret; empty where there is none.
    [[nodiscard]] secret_function const& client_secret_function() const noexcept
    {
        return client_secret_function_;
    }
    /// What signs assertions; empty where nothing does.
    [[nodiscard]] signing_key const& key() const noexcept { return key_; }
    /// How the client secret signs.
    [[nodiscard]] signature_algorithm algorithm() const noexcept { return algorithm_; }
    [[nodiscard]] assertion_options const& assertions() const noexcept { return assertions_; }
    [[nodiscard]] std::string const& assertion_type() const noexcept { return assertion_type_; }

private:
    client_authentication(method how, std::string client_id, secret client_secret)
        : method_(how)
        , client_id_(std::move(client_id))
        , client_secret_(std::move(client_secret))
    {
    }

    client_authentication(method how, std::string client_id, secret_function client_secret)
        : method_(how)
        , client_id_(std::move(client_id))
        , client_secret_function_(std::move(client_secret))
    {
    }

    method method_ = method::unset;
    std::string client_id_;
    secret client_secret_;
    secret_function client_secret_function_;
    signing_key key_;
    signature_algorithm algorithm_ = signature_algorithm::hs256;
    assertion_options assertions_;
    std::string assertion_type_ = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
};

inline client_authentication client_authentication::client_secret_jwt(
    detail::given_text client_id, secret client_secret, signature_algorithm algorithm,
    assertion_options options)
{
    client_authentication made(
        method::client_secret_jwt, std::move(client_id), std::move(client_secret));
    made.algorithm_ = algorithm;
    made.assertions_ = std::move(options);
    return made;
}

inline client_authentication client_authentication::client_secret_jwt(
    detail::given_text client_id, secret_function client_secret, signature_algorithm algorithm,
    assertion_options options)
{
    client_authentication made(
        method::client_secret_jwt, std::move(client_id), std::move(client_secret));
    made.algorithm_ = algorithm;
    made.assertions_ = std::move(options);
    return made;
}

inline client_authentication client_authentication::private_key_jwt(
    detail::given_text client_id, signing_key key, assertion_options options)
{
    client_authentication made(method::private_key_jwt, std::move(client_id), secret());
    made.key_ = std::move(key);
    made.assertions_ = std::move(options);
    return made;
}

inline client_authentication client_authentication::client_assertion(
    detail::given_text client_id, secret_function assertion, std::string type)
{
    client_authentication made(
        method::client_assertion, std::move(client_id), std::move(assertion));
    made.assertion_type_ = std::move(type);
    return made;
}

} // namespace coauth

#endif
