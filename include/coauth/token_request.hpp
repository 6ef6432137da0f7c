#ifndef COAUTH_TOKEN_REQUEST_HPP
#define COAUTH_TOKEN_REQUEST_HPP

#include <coauth/detail/given_text.hpp>
#include <coauth/export.hpp>
#include <coauth/secret.hpp>
#include <coauth/secret_function.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace coauth
{

/// What a token is asked for with, other than the client's own credentials: the parameters of a
/// grant, the secret ones among them.
struct token_grant
{
    /// The `grant_type`.
    std::string type;
    std::vector<std::pair<std::string, secret>> parameters;
    /// Those whose values are asked for anew before every request.
    std::vector<std::pair<std::string, secret_function>> asked = {};
};

/// What one token is asked for (RFC 6749 section 4.4.2): everything is optional. By default with
/// the client's own credentials; the named functions make requests of other grants.
///
/// \code
/// auto request = coauth::token_request().scope("sms groups").audience("https://api.example.com");
/// \endcode
///
/// Owns its text. Not an aggregate on purpose: GCC 12 miscompiles aggregate temporaries inside an
/// awaited expression.
class token_request
{
public:
    token_request() {} // NOLINT(modernize-use-equals-default)

    /// Exchanges a token for another (RFC 8693 section 2.1): an access token, unless its type says
    /// otherwise.
    static token_request token_exchange(
        secret subject_token,
        std::string subject_token_type = "urn:ietf:params:oauth:token-type:access_token")
    {
        return {
            "urn:ietf:params:oauth:grant-type:token-exchange",
            {{"subject_token", std::move(subject_token)},
             {"subject_token_type", std::move(subject_token_type)}}};
    }
    /// The same on behalf of another: who acts, beside for whom.
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
    /// The same with the token that a function gives, asked before every request: with
    /// `secret_file` the token of a workload, which is replaced while the program runs. Such a
    /// token is a JWT, unless its type says otherwise.
    static token_request token_exchange(
        secret_function subject_token,
        std::string subject_token_type = "urn:ietf:params:oauth:token-type:jwt")
    {
        return {
            "urn:ietf:params:oauth:grant-type:token-exchange",
            {{"subject_token_type", std::move(subject_token_type)}},
            {{"subject_token", std::move(subject_token)}}};
    }

    /// Presents an assertion about a user or a service (RFC 7523 section 2.1).
    static token_request jwt_bearer(secret assertion)
    {
        return {
            "urn:ietf:params:oauth:grant-type:jwt-bearer", {{"assertion", std::move(assertion)}}};
    }
    /// The same with the assertion that a function gives, asked before every request:
    /// `signed_assertion` makes a new one each time.
    static token_request jwt_bearer(secret_function assertion)
    {
        return {
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
            {},
            {{"assertion", std::move(assertion)}}};
    }

    /// Presents a refresh token (RFC 6749 section 6). A server that gives a new one with each
    /// answer has it in `access_token::member("refresh_token")`.
    static token_request refresh_token(secret token)
    {
        return {"refresh_token", {{"refresh_token", std::move(token)}}};
    }
    /// The same with the refresh token that a function gives, asked before every request: where the
    /// server replaces them, the last one.
    static token_request refresh_token(secret_function token)
    {
        return {"refresh_token", {}, {{"refresh_token", std::move(token)}}};
    }

    /// The scope: space-separated, case-sensitive words (RFC 6749 section 3.3). Empty, the default:
    /// no scope is sent, and the server grants what it grants by default (SMS.CX: all rights).
    token_request& scope(detail::given_text text) &
    {
        scope_ = std::move(text);
        return *this;
    }
    token_request&& scope(detail::given_text text) &&
    {
        return std::move(this->scope(std::move(text)));
    }

    /// Adds a resource, an absolute URI (RFC 8707 section 2). May be repeated.
    token_request& resource(detail::given_text uri) &
    {
        resources_.push_back(std::move(uri));
        return *this;
    }
    token_request&& resource(detail::given_text uri) &&
    {
        return std::move(this->resource(std::move(uri)));
    }

    /// The audience, as several servers want it beside or in place of a resource.
    token_request& audience(detail::given_text text) &
    {
        audience_ = std::move(text);
        return *this;
    }
    token_request&& audience(detail::given_text text) &&
    {
        return std::move(this->audience(std::move(text)));
    }

    /// Adds a further form parameter. The names that have a meaning of their own (`grant_type`,
    /// `scope`, `client_id`, `client_secret`, ...) are refused with `errc::invalid_parameter`.
    token_request& parameter(std::string name, detail::given_text value) &
    {
        parameters_.emplace_back(std::move(name), std::move(value));
        return *this;
    }
    token_request&& parameter(std::string name, detail::given_text value) &&
    {
        return std::move(this->parameter(std::move(name), std::move(value)));
    }

    /// True when both ask for the same in the same words and order; those of other grants only when
    /// one is a copy of the other.
    friend bool operator==(token_request const&, token_request const&) = default;

    [[nodiscard]] std::string const& scope() const noexcept { return scope_; }
    [[nodiscard]] std::vector<std::string> const& resources() const noexcept { return resources_; }
    [[nodiscard]] std::string const& audience() const noexcept { return audience_; }
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> const&
    parameters() const noexcept
    {
        return parameters_;
    }
    /// The grant; null: client credentials.
    [[nodiscard]] token_grant const* grant() const noexcept { return grant_.get(); }

private:
    using values = std::vector<std::pair<std::string, secret>>;
    using functions = std::vector<std::pair<std::string, secret_function>>;

    token_request(std::string grant_type, values parameters, functions asked = {})
        : grant_(std::make_shared<token_grant const>(
              token_grant{std::move(grant_type), std::move(parameters), std::move(asked)}))
    {
    }

    std::string scope_;
    std::vector<std::string> resources_;
    std::string audience_;
    std::vector<std::pair<std::string, std::string>> parameters_;
    std::shared_ptr<token_grant const> grant_;
};

} // namespace coauth

#endif
