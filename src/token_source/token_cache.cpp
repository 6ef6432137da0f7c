#include <coauth/token_cache.hpp>

#include "client/client_impl.hpp"
#include "crypto/digest.hpp"
#include "token_source/cache_key.hpp"
#include "token_source/fetcher.hpp"

#include <algorithm>
#include <list>
#include <mutex>
#include <string_view>
#include <unordered_map>

namespace coauth
{
namespace
{

using clock = std::chrono::steady_clock;

// A lookup that adds a source removes at most this many idle ones.
constexpr int max_idle_removed_per_insertion = 2;
constexpr std::chrono::hours longest_idle{24 * 365 * 100};

// A random key for the life of the process. Null: the system returned no random bytes; the next
// call tries again.
secret const* fingerprint_key()
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
        // An exception leaves it uninitialized, so that the next call tries again.
        static secret const key = make();
        return &key;
    }
    catch (no_random_bytes const&)
    {
        return nullptr;
    }
}

// Equal for grants with equal content, and reveals nothing of it. A grant whose values come from a
// function is identified by its address: the source that has this key shares the grant's ownership.
std::string grant_fingerprint(token_grant const* grant)
{
    if (grant == nullptr)
        return {};
    if (grant->dynamic_parameters.empty())
        if (auto const* const key = fingerprint_key())
            if (auto digest = crypto::hmac(
                    signature_algorithm::hs256, *key, detail::grant_content(*grant).view()))
                return std::string(digest->view());
    return '@' + std::to_string(reinterpret_cast<std::uintptr_t>(grant));
}

// A string whose memory the thread keeps for its next lookup.
struct key_buffer
{
    // A trivial object: destructors of the thread that run later read it.
    static thread_local constinit bool destroyed;

    ~key_buffer() { destroyed = true; }
    std::string key;
};
thread_local constinit bool key_buffer::destroyed = false;

} // namespace

class token_cache::state
{
public:
    explicit state(token_cache_options options)
        : max_sources_(std::max<std::size_t>(options.max_sources, 1))
        , max_idle_(std::min<std::chrono::seconds>(options.max_idle, longest_idle))
        , source_options_(std::move(options.source))
    {
    }

    // `from`: a client or a fetcher, whose number is `id`.
    std::shared_ptr<token_source> get(auto& from, std::uint64_t id, token_request const& request)
    {
        if (key_buffer::destroyed)
        {
            std::string key;
            return get(from, id, request, key);
        }
        thread_local key_buffer buffer;
        buffer.key.clear();
        return get(from, id, request, buffer.key);
    }

    void remove_idle() noexcept
    {
        auto const now = clock::now();
        entry_list removed;
        std::lock_guard const lock(mutex_);
        while (has_idle_tail(now))
            remove_idle_tail(now, removed);
    }

    void erase(std::uint64_t fetcher) noexcept
    {
        entry_list removed;
        std::lock_guard const lock(mutex_);
        for (auto position = by_use_.begin(); position != by_use_.end();)
        {
            auto const next = std::next(position);
            if (position->fetcher == fetcher)
                remove(position, removed);
            position = next;
        }
    }

    [[nodiscard]] token_cache_counters counters() const
    {
        std::lock_guard const lock(mutex_);
        auto counters = counters_;
        counters.size = by_use_.size();
        return counters;
    }

private:
    struct entry
    {
        std::string key;
        std::uint64_t fetcher;
        std::shared_ptr<token_source> source;
        clock::time_point last_use;
    };
    using entry_list = std::list<entry>;

    std::shared_ptr<token_source>
    get(auto& from, std::uint64_t id, token_request const& request, std::string& key)
    {
        detail::append_cache_key(key, id, request, grant_fingerprint(request.grant()));
        auto const now = clock::now();
        if (auto found = find(key, now))
            return found;
        // Sources are created and destroyed without the lock.
        entry_list added;
        added.push_back(
            {key, id, std::make_shared<token_source>(from, request, source_options_), now});
        entry_list removed;
        return insert(added, removed, now);
    }

    std::shared_ptr<token_source> find(std::string const& key, clock::time_point now)
    {
        entry_list removed;
        std::lock_guard const lock(mutex_);
        auto const found = by_key_.find(key);
        if (found == by_key_.end())
            return nullptr;
        auto source = use(found->second, now);
        if (has_idle_tail(now))
            remove_idle_tail(now, removed);
        return source;
    }

    // Returns the source that another thread has inserted meanwhile, if any.
    std::shared_ptr<token_source>
    insert(entry_list& added, entry_list& removed, clock::time_point now)
    {
        std::lock_guard const lock(mutex_);
        auto const [position, is_new] = by_key_.emplace(added.front().key, added.begin());
        if (!is_new)
            return use(position->second, now);
        auto source = added.front().source;
        by_use_.splice(by_use_.begin(), added);
        ++counters_.misses;
        for (int i = 0; i < max_idle_removed_per_insertion && has_idle_tail(now); ++i)
            remove_idle_tail(now, removed);
        while (by_use_.size() > max_sources_)
        {
            remove(std::prev(by_use_.end()), removed);
            ++counters_.evicted;
        }
        return source;
    }

    // The functions below need the lock.

    std::shared_ptr<token_source> use(entry_list::iterator position, clock::time_point now)
    {
        ++counters_.hits;
        by_use_.splice(by_use_.begin(), by_use_, position);
        // Threads may get the lock in another order than they read the clock.
        position->last_use = std::max(position->last_use, now);
        return position->source;
    }

    [[nodiscard]] bool has_idle_tail(clock::time_point now) const
    {
        if (by_use_.empty() || max_idle_.count() <= 0)
            return false;
        auto const last_use = by_use_.back().last_use;
        return last_use < now && now - last_use >= max_idle_;
    }

    // A source that the program has a pointer to is in use: a second source for the same key would
    // fetch a second token.
    void remove_idle_tail(clock::time_point now, entry_list& removed) noexcept
    {
        auto const last = std::prev(by_use_.end());
        if (last->source.use_count() > 1)
        {
            last->last_use = now;
            return by_use_.splice(by_use_.begin(), by_use_, last);
        }
        remove(last, removed);
        ++counters_.idle_removed;
    }

    void remove(entry_list::iterator position, entry_list& removed) noexcept
    {
        by_key_.erase(position->key);
        removed.splice(removed.end(), by_use_, position);
    }

    std::size_t const max_sources_;
    std::chrono::seconds const max_idle_;
    token_source_options const source_options_;

    std::mutex mutable mutex_;
    // The most recently used first. The keys of the map are views of the keys in the list.
    entry_list by_use_;
    std::unordered_map<std::string_view, entry_list::iterator> by_key_;
    token_cache_counters counters_;
};

token_cache::token_cache(token_cache_options options)
    : state_(std::make_unique<state>(std::move(options)))
{
}

token_cache::~token_cache() = default;

std::shared_ptr<token_source> token_cache::get(client& client, token_request const& request)
{
    return state_->get(client, client.core_->id, request);
}

std::shared_ptr<token_source>
token_cache::get(token_fetcher const& fetcher, token_request const& request)
{
    return state_->get(fetcher, fetcher.impl_->id, request);
}

void token_cache::remove_idle() noexcept
{
    state_->remove_idle();
}

void token_cache::erase(client const& client) noexcept
{
    state_->erase(client.core_->id);
}

void token_cache::erase(token_fetcher const& fetcher) noexcept
{
    state_->erase(fetcher.impl_->id);
}

token_cache_counters token_cache::counters() const
{
    return state_->counters();
}

} // namespace coauth
