#include <coauth/token_cache.hpp>

#include "client_core.hpp"
#include "policy/token_key.hpp"

#include <algorithm>
#include <functional>
#include <list>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace coauth
{
namespace
{

using clock = std::chrono::steady_clock;

// Fewer than so many are kept in one part: then the order of use is exact.
constexpr std::size_t enough_to_share = 1024;
constexpr std::size_t most_parts = 64;

} // namespace

class token_cache::state
{
public:
    explicit state(token_cache_options options)
        : options_(options)
        , parts_(options_.max_sources <= enough_to_share ? 1 : most_parts)
        , max_in_part_(
              std::max<std::size_t>(1, (options_.max_sources + parts_.size() - 1) / parts_.size()))
    {
    }

    std::shared_ptr<token_source> source(client& client, token_request const& request)
    {
        thread_local std::string key;
        key.clear();
        auto const owner = client.core_->number;
        policy::append_token_key(key, owner, request);
        auto& part = parts_[std::hash<std::string_view>()(key) / 64 % parts_.size()];
        auto const now = clock::now();
        // Those that go are destroyed without the lock.
        gone out;
        std::lock_guard const lock(part.mutex);
        sweep(part, now, out, 2);
        if (auto const found = part.by_key.find(key); found != part.by_key.end())
        {
            ++part.hits;
            part.by_use.splice(part.by_use.begin(), part.by_use, found->second);
            found->second->used = now;
            return found->second->tokens;
        }
        return make(part, key, client, request, now, out);
    }

    void sweep() noexcept
    {
        for (auto& part : parts_)
        {
            gone out;
            std::lock_guard const lock(part.mutex);
            sweep(part, clock::now(), out, part.by_use.size());
        }
    }

    void erase(client const& client) noexcept
    {
        for (auto& part : parts_)
        {
            gone out;
            std::lock_guard const lock(part.mutex);
            for (auto one = part.by_use.begin(); one != part.by_use.end();)
            {
                auto const next = std::next(one);
                if (one->owner == client.core_->number)
                    take_out(part, one, out);
                one = next;
            }
        }
    }

    [[nodiscard]] token_cache_counters counters() const
    {
        token_cache_counters sum;
        for (auto const& part : parts_)
        {
            std::lock_guard const lock(part.mutex);
            sum.hits += part.hits;
            sum.misses += part.misses;
            sum.evicted += part.evicted;
            sum.swept += part.swept;
            sum.size += part.by_use.size();
        }
        return sum;
    }

private:
    struct entry
    {
        std::string key;
        std::uint64_t owner;
        std::shared_ptr<token_source> tokens;
        clock::time_point used;
    };
    using gone = std::list<entry>;

    struct alignas(64) part_type
    {
        std::mutex mutable mutex;
        // The most recently used first; the keys of the map are views of its.
        std::list<entry> by_use;
        std::unordered_map<std::string_view, std::list<entry>::iterator> by_key;
        std::uint64_t hits = 0;
        std::uint64_t misses = 0;
        std::uint64_t evicted = 0;
        std::uint64_t swept = 0;
    };

    std::shared_ptr<token_source> make(
        part_type& in, std::string const& key, client& client, token_request const& request,
        clock::time_point now, gone& out)
    {
        // All that may throw comes first.
        gone made;
        made.push_back(
            {key, client.core_->number,
             std::make_shared<token_source>(client, request, options_.source), now});
        in.by_key.emplace(made.front().key, made.begin());
        auto tokens = made.front().tokens;
        in.by_use.splice(in.by_use.begin(), made);
        ++in.misses;
        while (in.by_use.size() > max_in_part_)
        {
            take_out(in, std::prev(in.by_use.end()), out);
            ++in.evicted;
        }
        return tokens;
    }

    void sweep(part_type& in, clock::time_point now, gone& out, std::size_t most) const
    {
        if (options_.max_idle.count() <= 0)
            return;
        for (; most != 0 && !in.by_use.empty(); --most)
        {
            auto const last = std::prev(in.by_use.end());
            if (now - last->used < options_.max_idle)
                return;
            take_out(in, last, out);
            ++in.swept;
        }
    }

    static void take_out(part_type& in, gone::iterator one, gone& out)
    {
        in.by_key.erase(one->key);
        out.splice(out.end(), in.by_use, one);
    }

    token_cache_options const options_;
    std::vector<part_type> parts_;
    std::size_t const max_in_part_;
};

token_cache::token_cache(token_cache_options options) : state_(std::make_unique<state>(options)) {}

token_cache::~token_cache() = default;

std::shared_ptr<token_source> token_cache::source(client& client, token_request const& request)
{
    return state_->source(client, request);
}

void token_cache::sweep() noexcept
{
    state_->sweep();
}

void token_cache::erase(client const& client) noexcept
{
    state_->erase(client);
}

token_cache_counters token_cache::counters() const
{
    return state_->counters();
}

} // namespace coauth
