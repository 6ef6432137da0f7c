#ifndef COAUTH_ACCESS_TOKEN_HPP
#define COAUTH_ACCESS_TOKEN_HPP

#include <coauth/export.hpp>
#include <coauth/http_headers.hpp>
#include <coauth/secret.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coauth
{

namespace detail
{

class token_shares;

// A count of the copies of a token. A token has one, with its content behind it; where threads
// would contend for that, each gets a branch: a count of its own, which as a whole is one use of
// the token's. Each on a cache line of its own.
struct alignas(64) token_share
{
    std::atomic<std::int64_t> uses{1};
    // Of a branch: the token's own count. Null: it is that itself.
    token_share* whole = nullptr;
    // Of the content.
    std::string_view authorization;
};

} // namespace detail

/// One further member of a token document: its name and its value as JSON text.
struct token_member
{
    std::string name;
    secret json;
};

/// What an `access_token` is made of.
struct access_token_info
{
    secret value;
    std::string token_type = "Bearer";
    std::string scope;
    /// When the request for it was sent, by both clocks. One that is not given is worked out from
    /// the other; without both it is the moment when the token is made.
    std::optional<std::chrono::system_clock::time_point> requested_at = {};
    std::optional<std::chrono::steady_clock::time_point> requested_at_steady = {};
    /// How long the token lives from `requested_at`; none: no known end.
    std::optional<std::chrono::seconds> lifetime;
    std::vector<token_member> members;
    unsigned http_status = 0;
    http_headers headers;
};

/// An OAuth 2.0 access token (RFC 6749 section 1.4) and what the server said about it.
///
/// An immutable value with a shared representation: copies are cheap, never throw, and may be used
/// from different threads. Views that it returns live as long as any copy. Its bytes are wiped when
/// the last copy goes. Writing it to a stream shows everything but the secret parts.
class COAUTH_DECL access_token
{
public:
    /// No token: every view is empty.
    access_token() noexcept = default;
    access_token(access_token const& other) noexcept : share_(other.share_)
    {
        if (share_ != nullptr)
            share_->uses.fetch_add(1, std::memory_order_relaxed);
    }
    access_token(access_token&& other) noexcept : share_(std::exchange(other.share_, nullptr)) {}
    access_token& operator=(access_token other) noexcept
    {
        std::swap(share_, other.share_);
        return *this;
    }
    ~access_token()
    {
        if (share_ != nullptr && share_->uses.fetch_sub(1, std::memory_order_acq_rel) == 1)
            end(*share_);
    }

    /// A token from its parts, for tests and for tokens from elsewhere.
    explicit access_token(access_token_info info);

    [[nodiscard]] bool empty() const noexcept { return share_ == nullptr; }
    /// True when there is a token.
    explicit operator bool() const noexcept { return share_ != nullptr; }

    /// The token itself (`access_token`): secret.
    [[nodiscard]] std::string_view value() const noexcept;
    /// The ready-made value of an HTTP Authorization field: "Bearer ..." (RFC 6750 section 2.1), or
    /// with `client_config::dpop` "DPoP ..." (RFC 9449 section 7.1): secret.
    [[nodiscard]] std::string_view authorization() const noexcept
    {
        return share_ != nullptr ? share_->authorization : std::string_view();
    }
    /// "Bearer" or "DPoP", whatever case the server wrote it in.
    [[nodiscard]] std::string_view token_type() const noexcept;
    /// The granted scope, as the server said it; where it said nothing, the scope asked for
    /// (RFC 6749 section 5.1).
    [[nodiscard]] std::string_view scope() const noexcept;

    /// When the request for this token was sent: its life counts from here.
    [[nodiscard]] std::chrono::system_clock::time_point requested_at() const noexcept;
    [[nodiscard]] std::chrono::steady_clock::time_point requested_at_steady() const noexcept;
    /// How long it lives from then; none when it has no known end.
    [[nodiscard]] std::optional<std::chrono::seconds> lifetime() const noexcept;
    /// When it ends; none when it has no known end.
    [[nodiscard]] std::optional<std::chrono::system_clock::time_point> expires_at() const noexcept;
    /// True when its end has come by either clock. The clock that says so first wins, so neither a
    /// step of the wall clock nor a suspended machine lengthens a token's life.
    [[nodiscard]] bool expired(
        std::chrono::system_clock::time_point now = std::chrono::system_clock::now(),
        std::chrono::steady_clock::time_point steady_now =
            std::chrono::steady_clock::now()) const noexcept;

    /// The JSON text of another member of the token document (`"refresh_token"`, `"id_token"`,
    /// ...). May be secret.
    [[nodiscard]] std::optional<std::string_view> member(std::string_view name) const noexcept;
    /// All other members, in the order received.
    [[nodiscard]] std::vector<token_member> const& members() const noexcept;

    /// The status of the HTTP answer that brought it; 0 when it came from elsewhere.
    [[nodiscard]] unsigned http_status() const noexcept;
    /// The header fields of that answer, when `client_config::keep_headers` asked for them.
    [[nodiscard]] http_headers const& headers() const noexcept;

    /// True when both are the same token text, or both empty.
    friend COAUTH_DECL bool operator==(access_token const& a, access_token const& b) noexcept;

    /// Writes type, scope and end; never the token.
    friend COAUTH_DECL std::ostream& operator<<(std::ostream& out, access_token const& token);

private:
    friend class detail::token_shares;
    struct rep;

    explicit access_token(detail::token_share* share) noexcept : share_(share) {}
    // After its last use.
    static void end(detail::token_share& share) noexcept;
    [[nodiscard]] rep const* content() const noexcept;

    detail::token_share* share_ = nullptr;
};

} // namespace coauth

#endif
