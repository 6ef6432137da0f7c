#ifndef COAUTH_INTROSPECTION_HPP
#define COAUTH_INTROSPECTION_HPP

#include <coauth/access_token.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coauth
{

/// What an authorization server says of a token (RFC 7662 section 2.2).
struct introspection
{
    /// Whether the token is good now. Nothing else is said of one that is not.
    bool active = false;
    std::string scope;
    std::string client_id;
    std::string username;
    std::string token_type;
    std::string subject;
    std::string issuer;
    /// One, or many.
    std::vector<std::string> audience;
    /// Times that the clock cannot show are the last that it can, in the year 2262.
    std::optional<std::chrono::system_clock::time_point> expires_at;
    std::optional<std::chrono::system_clock::time_point> issued_at;
    std::optional<std::chrono::system_clock::time_point> not_before;
    /// The certificate that a caller must show with the token (`cnf`, `x5t#S256`; RFC 8705 section
    /// 3.2): SHA-256 of its DER in base64url. Empty: the token is bound to none.
    std::string certificate_thumbprint;
    /// The key by which a caller must prove itself with DPoP (`cnf`, `jkt`; RFC 9449 section 6.2):
    /// its thumbprint of RFC 7638. Empty: the token is bound to none.
    std::string key_thumbprint;
    /// All members as JSON text, in the order received; those above too. May be secret.
    std::vector<token_member> members;

    /// The JSON text of a member, such as `act`; none: there is no such one.
    [[nodiscard]] std::optional<std::string_view> member(std::string_view name) const noexcept
    {
        for (auto const& one : members)
            if (one.name == name)
                return one.json.view();
        return std::nullopt;
    }
};

} // namespace coauth

#endif
