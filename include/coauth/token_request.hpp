#ifndef COAUTH_TOKEN_REQUEST_HPP
#define COAUTH_TOKEN_REQUEST_HPP

#include <coauth/export.hpp>

#include <string>
#include <utility>
#include <vector>

namespace coauth
{

/// What one token is asked for (RFC 6749 section 4.4.2): everything is optional.
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

    /// The scope: space-separated, case-sensitive words (RFC 6749 section 3.3). Empty, the default:
    /// no scope is sent, and the server grants what it grants by default (SMS.CX: all rights).
    token_request& scope(std::string text) &
    {
        scope_ = std::move(text);
        return *this;
    }
    token_request&& scope(std::string text) && { return std::move(this->scope(std::move(text))); }

    /// Adds a resource, an absolute URI (RFC 8707 section 2). May be repeated.
    token_request& resource(std::string uri) &
    {
        resources_.push_back(std::move(uri));
        return *this;
    }
    token_request&& resource(std::string uri) &&
    {
        return std::move(this->resource(std::move(uri)));
    }

    /// The audience, as several servers want it beside or in place of a resource.
    token_request& audience(std::string text) &
    {
        audience_ = std::move(text);
        return *this;
    }
    token_request&& audience(std::string text) &&
    {
        return std::move(this->audience(std::move(text)));
    }

    /// Adds a further form parameter. The names that have a meaning of their own (`grant_type`,
    /// `scope`, `client_id`, `client_secret`, ...) are refused with `errc::invalid_parameter`.
    token_request& parameter(std::string name, std::string value) &
    {
        parameters_.emplace_back(std::move(name), std::move(value));
        return *this;
    }
    token_request&& parameter(std::string name, std::string value) &&
    {
        return std::move(this->parameter(std::move(name), std::move(value)));
    }

    friend bool operator==(token_request const&, token_request const&) = default;

    [[nodiscard]] std::string const& scope() const noexcept { return scope_; }
    [[nodiscard]] std::vector<std::string> const& resources() const noexcept { return resources_; }
    [[nodiscard]] std::string const& audience() const noexcept { return audience_; }
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> const&
    parameters() const noexcept
    {
        return parameters_;
    }

private:
    std::string scope_;
    std::vector<std::string> resources_;
    std::string audience_;
    std::vector<std::pair<std::string, std::string>> parameters_;
};

} // namespace coauth

#endif
