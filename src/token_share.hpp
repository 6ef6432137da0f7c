#ifndef COAUTH_SRC_TOKEN_SHARE_HPP
#define COAUTH_SRC_TOKEN_SHARE_HPP

#include <coauth/access_token.hpp>

#include <atomic>
#include <cstdint>

namespace coauth::detail
{

// A count of the copies of a token. A token has one, with its content behind it; where threads
// would contend for that, each gets a branch: a count of its own, which as a whole is one use of
// the token's. Each on a cache line of its own.
struct alignas(64) token_share
{
    std::atomic<std::int64_t> uses{1};
    // Of a branch: the token's own count. Null: it is that itself.
    token_share* whole = nullptr;
};

class token_shares
{
public:
    // A branch that is used so many times. Null: no memory.
    static token_share* branch(access_token const& token, std::int64_t uses) noexcept
    {
        token_share* const made = new (std::nothrow) token_share;
        if (made == nullptr)
            return nullptr;
        made->uses.store(uses, std::memory_order_relaxed);
        made->whole = token.share_->whole != nullptr ? token.share_->whole : token.share_;
        access_token::add_use(*made->whole);
        return made;
    }

    // A copy that takes over one use.
    static access_token take_over(token_share* share) noexcept { return access_token(share); }
    static void end_uses(token_share& share, std::int64_t count) noexcept;
};

} // namespace coauth::detail

#endif
