#ifndef COAUTH_TOKEN_REQUEST_HPP
#define COAUTH_TOKEN_REQUEST_HPP

#include <coauth/detail/text_argument.hpp>
#include <coauth/export.hpp>
#include <coauth/secret.hpp>
#include <coauth/secret_provider.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace coauth
{

namespace detail
{

class demanded_claims;
class refresh_token_rotation;

} // namespace detail

/// A grant other than client credentials, with its parameters.
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

    /// Sets the audience, which some servers require with or instead of a resource.
    token_request& audience(detail::text_argument text) &
    {
        audience_ = std::move(text);
        return *this;
    }
    token_request&& audience(detail::text_argument text) &&
    {
        return std::move(this->audience(std::move(text)));
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

    /// True if all parameters are the same, in the same order. Requests with grants other than
    /// client credentials are equal only if one is a copy of the other.
    friend bool operator==(token_request const&, token_request const&) = default;

    /// The scope.
    [[nodiscard]] std::string const& scope() const noexcept { return scope_; }
    /// The resources, in the order added.
    [[nodiscard]] std::vector<std::string> const& resources() const noexcept { return resources_; }
    /// The audience.
    [[nodiscard]] std::string const& audience() const noexcept { return audience_; }
    /// The further form parameters, in the order added.
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
    /// The grant. Null: client credentials.
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

    std::string scope_;
    std::vector<std::string> resources_;
    std::string audience_;
    std::vector<std::pair<std::string, std::string>> parameters_;
    std::optional<std::chrono::milliseconds> timeout_;
    std::shared_ptr<token_grant const> grant_;
};

} // namespace coauth

#endif
