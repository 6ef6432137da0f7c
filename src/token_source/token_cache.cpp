#include <coauth/token_cache.hpp>

#include "client/client_impl.hpp"
#include "crypto/digest.hpp"
#include "token_source/cache_key.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <list>
#include <mutex>
#include <string_view>
#include <unordered_map>

namespace coauth
{
namespace
{

using clock = std::chrono::steady_clock;

// More than cores look up at the same time.
constexpr std::size_t part_count = 64;
// Whoever adds one takes out so many, at most, that were idle for too long.
constexpr int swept_at_once = 2;
constexpr std::chrono::hours longest_idle{24 * 365 * 100};
constexpr clock::time_point never = clock::time_point::max();

// Made once for the process. None: the system gave no random bytes, and the next asks again.
secret const* mark_key()
{
    struct no_random_bytes
    {
    };
    auto const make = []
    {
        auto random = crypto::random_id();
        if (!random)
            throw no_random_bytes();
        return secret(std::move(*random));
    };
    try
    {
        // Not made by what throws.
        static secret const key = make();
        return &key;
    }
    catch (no_random_bytes const&)
    {
        return nullptr;
    }
}

// What tells a grant from others, and nothing of what is in it: equal content, equal mark. One that
// asks a function is known by where it is: the source that has the key has the request too.
std::string grant_fingerprint(token_grant const* grant)
{
    if (grant == nullptr)
        return {};
    if (grant->dynamic_parameters.empty())
        if (auto const* const key = mark_key())
            if (auto digest = crypto::hmac(
                    signature_algorithm::hs256, *key, policy::grant_content(*grant).view()))
                return std::string(digest->view());
    return '@' + std::to_string(reinterpret_cast<std::uintptr_t>(grant));
}

// Room for a key, kept for the next.
struct room
{
    // Apart: it is read when the room is gone, by what the thread destroys later.
    static thread_local constinit bool ended;

    ~room() { ended = true; }
    std::string key;
};
thread_local constinit bool room::ended = false;

} // namespace

class token_cache::state
{
public:
    explicit state(token_cache_options options)
        : max_sources_(std::max<std::size_t>(options.max_sources, 1))
        , max_idle_(std::min<std::chrono::seconds>(options.max_idle, longest_idle))
        , source_options_(options.source)
    {
    }

    std::shared_ptr<token_source> source(client& client, token_request const& request)
    {
        if (room::ended)
        {
            std::string key;
            return source(client, request, key);
        }
        thread_local room mine;
        mine.key.clear();
        return source(client, request, mine.key);
    }

    std::shared_ptr<token_source>
    source(client& client, token_request const& request, std::string& key)
    {
        policy::append_cache_key(
            key, client.core_->id, request, grant_fingerprint(request.grant()));
        auto& part = parts_[std::hash<std::string_view>()(key) / part_count % part_count];
        auto const now = clock::now();
        if (auto found = find(part, key, now))
            return found;
        // Those that go are destroyed, as they are made, without a lock.
        gone made;
        made.push_back(
            {key, client.core_->id,
             std::make_shared<token_source>(client, request, source_options_), now});
        auto tokens = insert(part, made, now);
        gone out;
        enforce_capacity(now, out);
        return tokens;
    }

    void sweep() noexcept
    {
        auto const now = clock::now();
        for (auto& part : parts_)
        {
            gone out;
            shard_lock const in(part);
            while (idle(part, now))
                remove_idle_tail(part, now, out);
        }
    }

    void erase(client const& client) noexcept
    {
        for (auto& part : parts_)
        {
            gone out;
            shard_lock const in(part);
            for (auto one = part.by_use.begin(); one != part.by_use.end();)
            {
                auto const next = std::next(one);
                if (one->owner == client.core_->id)
                {
                    take_out(part, one, out);
                    size_.fetch_sub(1, std::memory_order_relaxed);
                }
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
            sum.idle_removed += part.idle_removed;
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

    struct alignas(64) shard
    {
        std::mutex mutable mutex;
        // When its least recently used one was used: for those who look for the least of all.
        std::atomic<clock::time_point> oldest{never};
        // The most recently used first; the keys of the map are views of its.
        std::list<entry> by_use;
        std::unordered_map<std::string_view, std::list<entry>::iterator> by_key;
        std::uint64_t hits = 0;
        std::uint64_t misses = 0;
        std::uint64_t evicted = 0;
        std::uint64_t idle_removed = 0;
    };

    class shard_lock
    {
    public:
        explicit shard_lock(shard& part) : part_(part), lock_(part.mutex) {}
        shard_lock(shard_lock const&) = delete;
        shard_lock& operator=(shard_lock const&) = delete;
        ~shard_lock()
        {
            auto const oldest = part_.by_use.empty() ? never : part_.by_use.back().used;
            if (part_.oldest.load(std::memory_order_relaxed) != oldest)
                part_.oldest.store(oldest, std::memory_order_relaxed);
        }

    private:
        shard& part_;
        std::lock_guard<std::mutex> lock_;
    };

    std::shared_ptr<token_source> find(shard& part, std::string const& key, clock::time_point now)
    {
        gone out;
        shard_lock const in(part);
        auto const found = part.by_key.find(key);
        if (found == part.by_key.end())
            return nullptr;
        auto tokens = use(part, found->second, now);
        if (idle(part, now))
            remove_idle_tail(part, now, out);
        return tokens;
    }

    // Or what another thread has put there meanwhile.
    std::shared_ptr<token_source> insert(shard& part, gone& made, clock::time_point now)
    {
        shard_lock const in(part);
        auto const [place, is_new] = part.by_key.emplace(made.front().key, made.begin());
        if (!is_new)
            return use(part, place->second, now);
        auto tokens = made.front().tokens;
        part.by_use.splice(part.by_use.begin(), made);
        ++part.misses;
        size_.fetch_add(1, std::memory_order_relaxed);
        return tokens;
    }

    static std::shared_ptr<token_source> use(shard& part, gone::iterator one, clock::time_point now)
    {
        ++part.hits;
        part.by_use.splice(part.by_use.begin(), part.by_use, one);
        // Threads come here in another order than they looked at the clock.
        one->used = std::max(one->used, now);
        return one->tokens;
    }

    void enforce_capacity(clock::time_point now, gone& out)
    {
        for (int i = 0; i < swept_at_once && overdue(least_used().oldest, now); ++i)
        {
            auto& part = least_used();
            shard_lock const in(part);
            if (idle(part, now))
                remove_idle_tail(part, now, out);
        }
        while (size_.load(std::memory_order_relaxed) > max_sources_)
            evict(least_used(), out);
    }

    // The part with the least recently used one of all.
    shard& least_used()
    {
        return *std::min_element(
            parts_.begin(), parts_.end(),
            [](auto const& a, auto const& b)
            {
                return a.oldest.load(std::memory_order_relaxed) <
                       b.oldest.load(std::memory_order_relaxed);
            });
    }

    // Unless another thread was faster.
    void evict(shard& part, gone& out) noexcept
    {
        shard_lock const in(part);
        if (part.by_use.empty() || !claim_eviction())
            return;
        take_out(part, std::prev(part.by_use.end()), out);
        ++part.evicted;
    }

    // Whoever is told so evicts one, which is not counted any more: several threads together take
    // out no more than they added.
    bool claim_eviction() noexcept
    {
        auto count = size_.load(std::memory_order_relaxed);
        while (count > max_sources_)
            if (size_.compare_exchange_weak(count, count - 1, std::memory_order_relaxed))
                return true;
        return false;
    }

    // One that somebody holds is in use: a second for the same key would fetch a second token.
    void remove_idle_tail(shard& part, clock::time_point now, gone& out) noexcept
    {
        auto const last = std::prev(part.by_use.end());
        if (last->tokens.use_count() > 1)
        {
            last->used = now;
            return part.by_use.splice(part.by_use.begin(), part.by_use, last);
        }
        take_out(part, last, out);
        ++part.idle_removed;
        size_.fetch_sub(1, std::memory_order_relaxed);
    }

    [[nodiscard]] bool overdue(clock::time_point used, clock::time_point now) const
    {
        return max_idle_.count() > 0 && used < now && now - used >= max_idle_;
    }
    [[nodiscard]] bool idle(shard const& part, clock::time_point now) const
    {
        return !part.by_use.empty() && overdue(part.by_use.back().used, now);
    }

    static void take_out(shard& part, gone::iterator one, gone& out)
    {
        part.by_key.erase(one->key);
        out.splice(out.end(), part.by_use, one);
    }

    std::size_t const max_sources_;
    std::chrono::seconds const max_idle_;
    token_source_options const source_options_;
    std::array<shard, part_count> parts_;
    // Written when one comes or goes, with the lock of its part held, and not by lookups.
    alignas(64) std::atomic<std::size_t> size_{0};
};

token_cache::token_cache(token_cache_options options) : state_(std::make_unique<state>(options)) {}

token_cache::~token_cache() = default;

std::shared_ptr<token_source> token_cache::get(client& client, token_request const& request)
{
    return state_->source(client, request);
}

void token_cache::remove_idle() noexcept
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
