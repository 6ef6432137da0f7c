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
    // A local count of the token that starts at `count`. Null: no memory.
    static refcount* make_local_count(access_token const& token, std::int64_t count) noexcept
    {
        refcount* const local = new (std::nothrow) refcount;
        if (local == nullptr)
            return nullptr;
        local->count.store(count, std::memory_order_relaxed);
        local->owner = token.count_->owner != nullptr ? token.count_->owner : token.count_;
        local->owner->count.fetch_add(1, std::memory_order_relaxed);
        local->authorization = local->owner->authorization;
        return local;
    }

    // A copy that takes over one use. Null: no token.
    static access_token adopt(refcount* counter) noexcept { return access_token(counter); }
    // Gives up many uses at once.
    static void release(refcount& counter, std::int64_t uses) noexcept
    {
        if (counter.count.fetch_sub(uses, std::memory_order_acq_rel) == uses)
            access_token::destroy(counter);
    }
};

} // namespace coauth::detail

#endif
