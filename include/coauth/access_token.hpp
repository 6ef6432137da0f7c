#ifndef COAUTH_ACCESS_TOKEN_HPP
#define COAUTH_ACCESS_TOKEN_HPP

#include <coauth/export.hpp>
#include <coauth/http_headers.hpp>
#include <coauth/secret.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coauth
{

class dpop_prover;

namespace detail
{

class proof_record;
class split_refcount;

// The reference count of a token. The token's content owns one. A thread may have a local count
// besides, which as a whole is one reference of the owner: then threads do not contend for one
// count. Each count has a cache line of its own.
struct alignas(64) refcount
{
    std::atomic<std::int64_t> count{1};
    // Of a local count: the count of the content. Null: this is the count of the content.
    refcount* owner = nullptr;
    // The value of the Authorization field, stored in the content.
    std::string_view authorization;
};

} // namespace detail

/// One member of a token response: its name and its value as JSON text.
struct token_member
{
    /// The member's name.
    std::string name;
    /// The member's value as JSON text. May be secret.
    secret json;
};

/// The parts of an `access_token`. A plain aggregate.
struct access_token_info
{
    /// The token itself.
    secret value;
    /// "Bearer" or "DPoP".
    std::string token_type = "Bearer";
    /// The granted scope: words separated by spaces.
    std::string scope;
    /// When the request for this token was sent, by the wall clock. None: computed from
    /// `requested_at_steady`; without both, the moment when the token object is made.
    std::optional<std::chrono::system_clock::time_point> requested_at = {};
    /// The same moment by the monotonic clock. None: computed from `requested_at`.
    std::optional<std::chrono::steady_clock::time_point> requested_at_steady = {};
    /// The token's lifetime, counted from `requested_at`. None: no known end.
    std::optional<std::chrono::seconds> lifetime;
    /// All other members of the token response, in the order received.
    std::vector<token_member> members;
    /// The status of the HTTP response. 0: the token did not come by HTTP.
    unsigned http_status = 0;
    /// The header fields of the HTTP response.
    http_headers headers;
    /// Signs the proofs of a DPoP token, for `authorize`. Empty: `authorize` fails for such a
    /// token.
    std::shared_ptr<dpop_prover> dpop = {};
};

/// An OAuth 2.0 access token (RFC 6749 section 1.4) with its type, scope and lifetime.
///
/// An immutable value with a shared representation: copies are cheap, never throw, and may be used
/// from different threads. The views it returns are valid as long as any copy exists. The token's
/// bytes are wiped when the last copy is destroyed. Writing it to a stream never shows the token.
class COAUTH_DECL access_token
{
public:
    /// No token: every view is empty.
    access_token() noexcept = default;
    /// Shares the token. Never throws.
    access_token(access_token const& other) noexcept : count_(other.count_)
    {
        if (count_ != nullptr)
            count_->count.fetch_add(1, std::memory_order_relaxed);
    }
    /// Takes the token; `other` becomes empty.
    access_token(access_token&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
    /// Replaces the token. Never throws.
    access_token& operator=(access_token other) noexcept
    {
        std::swap(count_, other.count_);
        return *this;
    }
    /// Releases the token. Its bytes are wiped with the last copy.
    ~access_token()
    {
        if (count_ != nullptr && count_->count.fetch_sub(1, std::memory_order_acq_rel) == 1)
            destroy(*count_);
    }

    /// Makes a token from its parts: for tests, and for tokens from other sources.
    explicit access_token(access_token_info info);

    /// True if there is no token.
    [[nodiscard]] bool empty() const noexcept { return count_ == nullptr; }
    /// True if there is a token.
    explicit operator bool() const noexcept { return count_ != nullptr; }

    /// The token itself. Secret: do not log it.
    [[nodiscard]] std::string_view value() const noexcept;
    /// The complete value of an HTTP Authorization field: "Bearer ..." (RFC 6750 section 2.1), or
    /// "DPoP ..." with `client_config::dpop` (RFC 9449 section 7.1). Secret: do not log it.
    [[nodiscard]] std::string_view authorization() const noexcept
    {
        return count_ != nullptr ? count_->authorization : std::string_view();
    }
    /// "Bearer" or "DPoP", in this spelling whatever case the server used.
    [[nodiscard]] std::string_view token_type() const noexcept;
    /// The scope that the server granted. If the response has no scope, the requested one
    /// (RFC 6749 section 5.1). Words with non-ASCII characters, which no scope may contain, are
    /// left out.
    [[nodiscard]] std::string_view scope() const noexcept;

    /// When the request for this token was sent, by the wall clock. The lifetime starts here.
    [[nodiscard]] std::chrono::system_clock::time_point requested_at() const noexcept;
    /// The same moment by the monotonic clock.
    [[nodiscard]] std::chrono::steady_clock::time_point requested_at_steady() const noexcept;
    /// The lifetime, counted from `requested_at()`. None: no known end.
    [[nodiscard]] std::optional<std::chrono::seconds> lifetime() const noexcept;
    /// When the token expires. None: no known end.
    [[nodiscard]] std::optional<std::chrono::system_clock::time_point> expires_at() const noexcept;
    /// True if the token has expired by the wall clock or by the monotonic clock. Using both means
    /// that neither a change of the wall clock nor a suspended machine extends a token's life.
    [[nodiscard]] bool expired(
        std::chrono::system_clock::time_point now = std::chrono::system_clock::now(),
        std::chrono::steady_clock::time_point steady_now =
            std::chrono::steady_clock::now()) const noexcept;

    /// The refresh token (RFC 6749 section 1.5) that came with this token. Empty: there is none.
    /// Secret: do not log it.
    [[nodiscard]] std::string_view refresh_token() const noexcept;
    /// The authorization details (RFC 9396) that the server granted: the text of a JSON array.
    /// Empty: the response has none.
    [[nodiscard]] std::string_view authorization_details() const noexcept;
    /// The JSON text of another member of the token response, such as `"id_token"`. None: there is
    /// no such member. May be secret.
    [[nodiscard]] std::optional<std::string_view> member(std::string_view name) const noexcept;
    /// All other members of the token response, in the order received.
    [[nodiscard]] std::vector<token_member> const& members() const noexcept;

    /// The status of the HTTP response. 0: the token did not come by HTTP.
    [[nodiscard]] unsigned http_status() const noexcept;
    /// The header fields of the HTTP response. Empty unless `client_config::keep_headers` is set.
    [[nodiscard]] http_headers const& headers() const noexcept;

    /// The prover whose key a DPoP token is bound to. Empty: there is none. See `authorize`.
    [[nodiscard]] std::shared_ptr<dpop_prover> const& dpop() const noexcept;

    /// True if both have the same token text, or both are empty.
    friend COAUTH_DECL bool operator==(access_token const& a, access_token const& b) noexcept;

    /// Writes type, scope and expiry time, never the token.
    friend COAUTH_DECL std::ostream& operator<<(std::ostream& out, access_token const& token);

private:
    friend class detail::proof_record;
    friend class detail::split_refcount;
    struct rep;

    explicit access_token(detail::refcount* counter) noexcept : count_(counter) {}
    // Called when the count is 0.
    static void destroy(detail::refcount& counter) noexcept;
    [[nodiscard]] rep const* content() const noexcept;

    detail::refcount* count_ = nullptr;
};

} // namespace coauth

#endif
