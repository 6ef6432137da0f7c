#include "token_source/token_snapshot.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace coauth::detail
{
namespace
{

std::atomic<std::uint64_t> last_number{0};
std::atomic<std::size_t> last_slot{0};

} // namespace

token_snapshot::token_snapshot()
    : slot_(last_slot++ % slot_count)
    , taken_(std::make_shared<std::atomic<std::uint64_t>>(0))
{
}

token_snapshot::~token_snapshot()
{
    clear();
}

access_token token_snapshot::load_slow(bool& due) noexcept
{
    if (number_.load() == 0)
        return {};
    auto* const mine = thread_token_cache::mine();
    if (mine != nullptr)
        if (auto token = mine->load_checked(slot_, number_, due))
            return token;
    return load_and_cache(mine, due);
}

access_token token_snapshot::load_and_cache(thread_token_cache* mine, bool& due) noexcept
{
    std::lock_guard const lock(mutex_);
    auto const wall = std::chrono::system_clock::now();
    auto const steady = std::chrono::steady_clock::now();
    if (token_.empty() || wall >= life_.end_wall || steady >= life_.end_steady)
        return {};
    due = wall >= life_.renew_wall || steady >= life_.renew_steady;
    taken_->fetch_add(1, std::memory_order_relaxed);
    if (mine != nullptr)
    {
        stocked_ = true;
        mine->fill(slot_, number_.load(), token_, life_, taken_);
    }
    return token_;
}

void token_snapshot::publish(access_token token, life const& until) noexcept
{
    register_membarrier();
    change(std::move(token), until, ++last_number);
}

void token_snapshot::clear() noexcept
{
    change({}, {}, 0);
}

void token_snapshot::change(access_token token, life const& until, std::uint64_t number) noexcept
{
    std::uint64_t before = 0;
    {
        std::lock_guard const lock(mutex_);
        std::swap(token_, token);
        life_ = until;
        before = number_.exchange(number);
        if (!std::exchange(stocked_, false))
            return;
    }
    // Where the barrier fails, each thread gives back its cached token when it next takes, or ends.
    if (asymmetric_fence_heavy())
        thread_token_cache::reclaim_all_threads(slot_, before);
}

std::uint64_t token_snapshot::taken() const noexcept
{
    std::lock_guard const lock(mutex_);
    // What a thread gives back meanwhile is missed, but not what was counted once.
    max_hits_seen_ =
        std::max(max_hits_seen_, taken_->load() + thread_token_cache::taken(slot_, *taken_));
    return max_hits_seen_;
}

} // namespace coauth::detail
