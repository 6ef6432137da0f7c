#ifndef COAUTH_SRC_TOKEN_SOURCE_REFRESH_TOKEN_ROTATION_HPP
#define COAUTH_SRC_TOKEN_SOURCE_REFRESH_TOKEN_ROTATION_HPP

#include <coauth/access_token.hpp>
#include <coauth/token_request.hpp>

#include <memory>

namespace coauth::detail
{

// Follows a request that presents a refresh token: a server may replace that with each response,
// and takes the use of an old one for theft (RFC 9700 section 4.14.2).
class refresh_token_rotation
{
public:
    explicit refresh_token_rotation(token_request request);

    // True if the request presents a refresh token.
    [[nodiscard]] bool is_active() const noexcept { return chain_ != nullptr; }
    // The request with the newest refresh token.
    [[nodiscard]] token_request next_request() const;
    // A fetch returned this token.
    void on_token(access_token const& token) noexcept;

private:
    class chain;

    [[nodiscard]] token_request with_grant(token_grant grant) const;
    [[nodiscard]] token_request follow_providers() const;

    // If a function returns the refresh token, with one that returns the newest.
    token_request request_;
    // Shared with that function. Null: the request presents no refresh token.
    std::shared_ptr<chain> chain_;
};

} // namespace coauth::detail

#endif
