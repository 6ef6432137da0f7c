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

/// An authorization server's statement about a token (RFC 7662 section 2.2). Text members are
/// empty, and times have no value, where the server said nothing.
struct introspection
{
    /// True if the token is valid now. If false, all other members but `members` are empty. A
    /// server may add an error to `"active": false`; the token is inactive then, too.
    bool active = false;
    /// The scope of the token: words separated by spaces.
    std::string scope;
    /// The client that requested the token.
    std::string client_id;
    /// A readable name of the user who authorized the token.
    std::string username;
    /// The type of the token, such as "Bearer".
    std::string token_type;
    /// The subject of the token (`sub`), usually the user.
    std::string subject;
    /// The issuer of the token (`iss`).
    std::string issuer;
    /// The audiences of the token (`aud`): one or several.
    std::vector<std::string> audience;
    /// When the token expires (`exp`). Zero and negative values are interpreted by
    /// `expires_in_rules::zero`: by default they mean 1970. A time beyond the clock's range is the
    /// latest time that the clock can represent, in the year 2262; the same holds for the times
    /// below.
    std::optional<std::chrono::system_clock::time_point> expires_at;
    /// When the token was issued (`iat`).
    std::optional<std::chrono::system_clock::time_point> issued_at;
    /// The token is not valid before this time (`nbf`).
    std::optional<std::chrono::system_clock::time_point> not_before;
    /// The certificate to which the token is bound (`cnf`, `x5t#S256`; RFC 8705 section 3.2):
    /// SHA-256 of its DER form in base64url. Compare it with the certificate of the caller. Empty:
    /// the token is not bound to a certificate.
    std::string certificate_thumbprint;
    /// The key to which the token is bound by DPoP (`cnf`, `jkt`; RFC 9449 section 6.2): its RFC
    /// 7638 thumbprint. Compare it with the key of the caller's proof. Empty: the token is not
    /// bound to a key.
    std::string key_thumbprint;
    /// All members as JSON text, in the order received, including those above. May be secret.
    std::vector<token_member> members;

    /// The JSON text of a member, such as `act`. None: there is no such member.
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
