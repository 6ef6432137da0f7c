#ifndef COAUTH_CLIENT_AUTHENTICATION_HPP
#define COAUTH_CLIENT_AUTHENTICATION_HPP

#include <coauth/secret.hpp>
#include <coauth/secret_function.hpp>

#include <string>
#include <utility>

namespace coauth
{

/// How the client proves to the authorization server who it is (RFC 6749 section 2.3).
///
/// Made by one of the named functions. A default-constructed one is not usable: the client reports
/// `errc::invalid_configuration`.
class client_authentication
{
public:
    enum class method
    {
        unset,
        none,
        client_secret_basic,
        client_secret_basic_raw,
        client_secret_post,
    };

    client_authentication() = default;

    /// HTTP Basic with id and secret form-encoded first (RFC 6749 section 2.3.1), escaping as
    /// little as the rule allows: letters, digits and `-._*` stay, so most credentials also work at
    /// servers that do not decode.
    static client_authentication client_secret_basic(std::string client_id, secret client_secret)
    {
        return {method::client_secret_basic, std::move(client_id), std::move(client_secret)};
    }

    static client_authentication
    client_secret_basic(std::string client_id, secret_function client_secret)
    {
        return {method::client_secret_basic, std::move(client_id), std::move(client_secret)};
    }

    /// HTTP Basic with id and secret as they are (RFC 7617), as SMS.CX and others expect. The id
    /// may not contain a colon, and neither may contain control characters.
    static client_authentication
    client_secret_basic_raw(std::string client_id, secret client_secret)
    {
        return {method::client_secret_basic_raw, std::move(client_id), std::move(client_secret)};
    }

    static client_authentication
    client_secret_basic_raw(std::string client_id, secret_function client_secret)
    {
        return {method::client_secret_basic_raw, std::move(client_id), std::move(client_secret)};
    }

    /// Id and secret as parameters of the request body (RFC 6749 section 2.3.1).
    static client_authentication client_secret_post(std::string client_id, secret client_secret)
    {
        return {method::client_secret_post, std::move(client_id), std::move(client_secret)};
    }

    static client_authentication
    client_secret_post(std::string client_id, secret_function client_secret)
    {
        return {method::client_secret_post, std::move(client_id), std::move(client_secret)};
    }

    /// No proof; only `client_id` is sent (RFC 6749 section 3.2.1).
    static client_authentication none(std::string client_id)
    {
        return {method::none, std::move(client_id), secret()};
    }

    /// The same with this secret, and no function.
    [[nodiscard]] client_authentication with_secret(secret now) const
    {
        return {method_, client_id_, std::move(now)};
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
};

} // namespace coauth

#endif
