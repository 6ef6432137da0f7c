#ifndef COAUTH_SRC_VALUES_TOKEN_REFCOUNT_HPP
#define COAUTH_SRC_VALUES_TOKEN_REFCOUNT_HPP

#include <coauth/access_token.hpp>

#include <atomic>
#include <cstdint>
#include <new>

namespace coauth::detail
{

class split_refcount
{
public:
    // A branch that is used so many times. Null: no memory.
    static refcount* branch(access_token const& token, std::int64_t uses) noexcept
    {
        refcount* const made = new (std::nothrow) refcount;
        if (made == nullptr)
            return nullptr;
        made->uses.store(uses, std::memory_order_relaxed);
        made->whole = token.share_->whole != nullptr ? token.share_->whole : token.share_;
        made->whole->uses.fetch_add(1, std::memory_order_relaxed);
        made->authorization = made->whole->authorization;
        return made;
    }

    // A copy that takes over one use.
    static access_token adopt(refcount* share) noexcept { return access_token(share); }
    static void release_many(refcount& share, std::int64_t count) noexcept
    {
        if (share.uses.fetch_sub(count, std::memory_order_acq_rel) == count)
            access_token::end(share);
    }
};

} // namespace coauth::detail

#endif
