#ifndef COAUTH_TOKEN_REQUEST_HPP
#define COAUTH_TOKEN_REQUEST_HPP

#include <coauth/detail/text_argument.hpp>
#include <coauth/export.hpp>
#include <coauth/secret.hpp>
#include <coauth/secret_provider.hpp>

#include <chrono>
#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace coauth
{

namespace detail
{

class demanded_claims;
class refresh_token_rotation;

template <class T>
concept exactly_a_secret = std::same_as<std::remove_cvref_t<T>, secret>;
template <class T>
concept returns_a_secret = std::is_invocable_r_v<result<secret>, T&>;

} // namespace detail

/// A grant other than client credentials, or the secret parameters of a client credentials request.
struct token_grant
{
    /// The `grant_type`.
    std::string type;
    /// The parameters: names and values.
    std::vector<std::pair<std::string, secret>> parameters;
    /// The parameters whose values a function returns before each attempt.
    std::vector<std::pair<std::string, secret_provider>> dynamic_parameters = {};
};

/// The parameters of a token request (RFC 6749 section 4.4.2). All are optional. The default grant
/// is client credentials; the static functions create requests with other grants.
///
/// \code
/// auto request = coauth::token_request().scope("sms groups").audience("https://api.example.com");
/// \endcode
///
/// Requests of other grants, and of extensions, are written as the server's documentation names
/// them:
///
/// \code
/// auto request = coauth::token_request::grant("urn:ietf:params:oauth:grant-type:saml2-bearer")
///                    .parameter("assertion", coauth::secret_from_file("assertion.b64"));
/// \endcode
///
/// A value type that owns its text. It is not an aggregate because GCC 12 miscompiles aggregate
/// temporaries inside an awaited expression.
class token_request
{
public:
    /// A client credentials request without a scope.
    token_request() {} // NOLINT(modernize-use-equals-default)

    /// Exchanges a token for another (RFC 8693 section 2.1).
    ///
    /// \param subject_token The token to exchange.
    /// \param subject_token_type Its type. Default: an access token.
    static token_request token_exchange(
        secret subject_token,
        std::string subject_token_type = "urn:ietf:params:oauth:token-type:access_token")
    {
        return {
            "urn:ietf:params:oauth:grant-type:token-exchange",
            {{"subject_token", std::move(subject_token)},
             {"subject_token_type", std::move(subject_token_type)}}};
    }
    /// The same with an actor token: the actor acts on behalf of the subject.
    static token_request token_exchange(
        secret subject_token, std::string subject_token_type, secret actor_token,
        std::string actor_token_type)
    {
        return {
            "urn:ietf:params:oauth:grant-type:token-exchange",
            {{"subject_token", std::move(subject_token)},
             {"subject_token_type", std::move(subject_token_type)},
             {"actor_token", std::move(actor_token)},
             {"actor_token_type", std::move(actor_token_type)}}};
    }
    /// The same with a function that returns the token and is called before each attempt, such as
    /// `secret_from_file` for a workload's token that is replaced while the program runs. The
    /// default type is a JWT.
    static token_request token_exchange(
        secret_provider subject_token,
        std::string subject_token_type = "urn:ietf:params:oauth:token-type:jwt")
    {
        return {
            "urn:ietf:params:oauth:grant-type:token-exchange",
            {{"subject_token_type", std::move(subject_token_type)}},
            {{"subject_token", std::move(subject_token)}}};
    }

    /// Presents a JWT assertion about a user or a service as the grant (RFC 7523 section 2.1).
    static token_request jwt_bearer(secret assertion)
    {
        return {
            "urn:ietf:params:oauth:grant-type:jwt-bearer", {{"assertion", std::move(assertion)}}};
    }
    /// The same with a function that returns the assertion and is called before each attempt.
    /// `jwt_assertion` signs a new assertion each time.
    static token_request jwt_bearer(secret_provider assertion)
    {
        return {
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
            {},
            {{"assertion", std::move(assertion)}}};
    }

    /// Presents a refresh token (RFC 6749 section 6). If the server returns a new refresh token, it
    /// is in `access_token::refresh_token()`. A `token_source` presents the new one by itself.
    static token_request refresh_token(secret token)
    {
        return {"refresh_token", {{"refresh_token", std::move(token)}}};
    }
    /// The same with a function that returns the refresh token and is called before each attempt.
    /// If the server rotates refresh tokens, the function must return the latest. Behind a
    /// `token_source` it may be late: the source presents the latest that it got itself, unless the
    /// function returns one that is unknown to it, after a new login for example.
    static token_request refresh_token(secret_provider token)
    {
        return {"refresh_token", {}, {{"refresh_token", std::move(token)}}};
    }

    /// A request with the grant of this name: "account_credentials", "password",
    /// "urn:ietf:params:oauth:grant-type:uma-ticket" or any other that the server knows. Add its
    /// parameters with `parameter`, and those that are secret as a `secret` or as a function.
    ///
    /// Behind a `token_source` it is sent again for each new token. A grant that is valid once
    /// (`authorization_code`, a device code, a CIBA request, a UMA ticket) is never sent twice
    /// within one operation, as a refresh token is not.
    static token_request grant(detail::text_argument type)
    {
        return token_request(std::move(type), values());
    }

    ///@{

    /// Sets the scope: case-sensitive words separated by spaces (RFC 6749 section 3.3). Default:
    /// empty; no scope is sent, and the server grants its default (SMS.CX: all rights).
    token_request& scope(detail::text_argument text) &
    {
        scope_ = std::move(text);
        return *this;
    }
    token_request&& scope(detail::text_argument text) &&
    {
        return std::move(this->scope(std::move(text)));
    }
    ///@}

    ///@{

    /// Adds a resource: an absolute URI (RFC 8707 section 2). May be called several times.
    token_request& resource(detail::text_argument uri) &
    {
        resources_.push_back(std::move(uri));
        return *this;
    }
    token_request&& resource(detail::text_argument uri) &&
    {
        return std::move(this->resource(std::move(uri)));
    }
    ///@}

    ///@{

    /// Adds an audience, which some servers require with or instead of a resource. May be called
    /// several times. An empty one is not sent.
    token_request& audience(detail::text_argument text) &
    {
        std::string name = std::move(text);
        if (!name.empty())
            audiences_.push_back(std::move(name));
        return *this;
    }
    token_request&& audience(detail::text_argument text) &&
    {
        return std::move(this->audience(std::move(text)));
    }
    ///@}

    ///@{

    /// Sets the authorization details (RFC 9396): the text of a JSON array of objects, each with a
    /// `type`. `access_token::authorization_details()` is what the server granted of them. Any
    /// other text is `errc::invalid_parameter`. Empty: none are sent.
    token_request& authorization_details(detail::text_argument json) &
    {
        authorization_details_ = std::move(json);
        return *this;
    }
    token_request&& authorization_details(detail::text_argument json) &&
    {
        return std::move(this->authorization_details(std::move(json)));
    }
    ///@}

    ///@{

    /// Sets a header field of the request, in place of one with the same name, also one in
    /// `client_config::headers`; see there which names are allowed. The value is never shown in
    /// texts for logs, but for `traceparent` and `tracestate`.
    ///
    /// Header fields do not make it another request for a `token_cache`: a source sends those of
    /// the request with which it was made. So a field must not select an account or a tenant; that
    /// is what parameters are for, or a client of its own.
    ///
    /// \code
    /// // W3C Trace Context: the authorization server's spans belong to this trace.
    /// std::string const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    /// auto request = coauth::token_request().scope("read").header("traceparent", traceparent);
    /// auto token = co_await client.async_get_access_token(request);
    /// \endcode
    COAUTH_DECL token_request& header(std::string name, secret value) &;
    token_request&& header(std::string name, secret value) &&
    {
        return std::move(this->header(std::move(name), std::move(value)));
    }
    ///@}

    ///@{

    /// Adds a further form parameter. The operation rejects names that the library sets itself
    /// (`grant_type`, `scope`, `client_id`, `client_secret`, ...) with `errc::invalid_parameter`.
    token_request& parameter(std::string name, detail::text_argument value) &
    {
        parameters_.emplace_back(std::move(name), std::move(value));
        return *this;
    }
    token_request&& parameter(std::string name, detail::text_argument value) &&
    {
        return std::move(this->parameter(std::move(name), std::move(value)));
    }
    ///@}

    ///@{

    /// Adds a secret form parameter. Such a value must not be empty; it is overwritten in memory
    /// when it is released.
    template <detail::exactly_a_secret Secret>
    token_request& parameter(std::string name, Secret&& value) &
    {
        add_secret(std::move(name), std::forward<Secret>(value));
        return *this;
    }
    template <detail::exactly_a_secret Secret>
    token_request&& parameter(std::string name, Secret&& value) &&
    {
        return std::move(this->parameter(std::move(name), std::forward<Secret>(value)));
    }
    ///@}

    ///@{

    /// The same with a function that returns the value and is called before each attempt (see
    /// `secret_provider`).
    template <detail::returns_a_secret Provider>
    token_request& parameter(std::string name, Provider&& value) &
    {
        add_provider(std::move(name), std::forward<Provider>(value));
        return *this;
    }
    template <detail::returns_a_secret Provider>
    token_request&& parameter(std::string name, Provider&& value) &&
    {
        return std::move(this->parameter(std::move(name), std::forward<Provider>(value)));
    }
    ///@}

    ///@{

    /// Sets the time limit of one operation of a `client`, in place of `client_config::timeout`:
    /// from 1 ms to 1 hour. With Boost 1.86, `boost::asio::cancel_after` works with every
    /// operation.
    token_request& timeout(std::chrono::milliseconds limit) &
    {
        timeout_ = limit;
        return *this;
    }
    token_request&& timeout(std::chrono::milliseconds limit) &&
    {
        return std::move(this->timeout(limit));
    }
    ///@}

    /// True if all parameters and header fields are the same, in the same order. Requests with
    /// secret parameters or grants other than client credentials are equal only if one is a copy of
    /// the other.
    friend bool operator==(token_request const&, token_request const&) = default;

    /// The scope.
    [[nodiscard]] std::string const& scope() const noexcept { return scope_; }
    /// The resources, in the order added.
    [[nodiscard]] std::vector<std::string> const& resources() const noexcept { return resources_; }
    /// The audiences, in the order added.
    [[nodiscard]] std::vector<std::string> const& audiences() const noexcept { return audiences_; }
    /// The requested authorization details as JSON text.
    [[nodiscard]] std::string const& authorization_details() const noexcept
    {
        return authorization_details_;
    }
    /// The header fields: names and values.
    [[nodiscard]] std::vector<std::pair<std::string, secret>> const& headers() const noexcept
    {
        return headers_;
    }
    /// The further form parameters that are not secret, in the order added.
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> const&
    parameters() const noexcept
    {
        return parameters_;
    }
    /// The time limit. None: that of the client.
    [[nodiscard]] std::optional<std::chrono::milliseconds> timeout() const noexcept
    {
        return timeout_;
    }
    /// The grant and its parameters. Null: client credentials without secret parameters.
    [[nodiscard]] token_grant const* grant() const noexcept { return grant_.get(); }

private:
    friend class detail::demanded_claims;
    friend class detail::refresh_token_rotation;
    using values = std::vector<std::pair<std::string, secret>>;
    using functions = std::vector<std::pair<std::string, secret_provider>>;

    token_request(std::string grant_type, values parameters, functions dynamic_parameters = {})
        : grant_(std::make_shared<token_grant const>(token_grant{
              std::move(grant_type), std::move(parameters), std::move(dynamic_parameters)}))
    {
    }

    COAUTH_DECL void add_secret(std::string name, secret value);
    COAUTH_DECL void add_provider(std::string name, secret_provider value);

    std::string scope_;
    std::vector<std::string> resources_;
    std::vector<std::string> audiences_;
    std::string authorization_details_;
    std::vector<std::pair<std::string, std::string>> parameters_;
    values headers_;
    std::optional<std::chrono::milliseconds> timeout_;
    std::shared_ptr<token_grant const> grant_;
};

} // namespace coauth

#endif
