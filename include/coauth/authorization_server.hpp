#ifndef COAUTH_AUTHORIZATION_SERVER_HPP
#define COAUTH_AUTHORIZATION_SERVER_HPP

#include <chrono>
#include <string>

namespace coauth
{

/// What an unusual `expires_in` means.
enum class lifetime_meaning
{
    /// The token has no known end: it is good until it is refused.
    no_known_end,
    /// The token may be used by those who waited for it, and is not kept.
    use_once,
    /// The token lives for `lifetime_rules::assumed`.
    assumed,
    /// The answer is refused with `errc::malformed_answer`.
    malformed,
};

/// How a server says how long a token lives (RFC 6749 section 5.1 leaves it open).
struct lifetime_rules
{
    /// There is no `expires_in`.
    lifetime_meaning absent = lifetime_meaning::no_known_end;
    /// It is zero or negative.
    lifetime_meaning zero = lifetime_meaning::use_once;
    /// It is `null` or the word "never" in any case.
    lifetime_meaning never = lifetime_meaning::no_known_end;
    /// The life that `lifetime_meaning::assumed` stands for.
    std::chrono::seconds assumed{300};
};

/// What is known of an authorization server.
struct authorization_server
{
    /// The absolute URL of the token endpoint (RFC 6749 section 3.2): https, no user information,
    /// no fragment. Required.
    std::string token_endpoint;
    /// How it says how long a token lives.
    lifetime_rules lifetimes = {};
    /// Refuse an answer without `token_type`, as RFC 6749 section 5.1 has it. Off: it is Bearer.
    bool require_token_type = false;
};

} // namespace coauth

#endif
