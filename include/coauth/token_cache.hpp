#ifndef COAUTH_TOKEN_CACHE_HPP
#define COAUTH_TOKEN_CACHE_HPP

#include <coauth/client.hpp>
#include <coauth/export.hpp>
#include <coauth/token_request.hpp>
#include <coauth/token_source.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace coauth
{

/// How many sources a `token_cache` keeps, for how long, and how they are. A plain aggregate.
struct token_cache_options
{
    /// At most so many; beyond it the least recently used one goes. 0 counts as 1. While threads
    /// add some at the same time there may be one more for each of them.
    std::size_t max_sources = 100'000;
    /// One that nobody asked for so long goes, unless somebody holds it. 0 or less, as for ever:
    /// none goes.
    std::chrono::seconds max_idle{3600};
    /// The options of each.
    token_source_options source = {};
};

/// What a `token_cache` did since it was made.
struct token_cache_counters
{
    /// Lookups that found their source, and those that made it.
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    /// Sources that went for want of room, and those that went since nobody asked for them.
    std::uint64_t evicted = 0;
    std::uint64_t swept = 0;
    /// Now.
    std::size_t size = 0;
};

/// The token sources of a server with many tenants, scopes or resources: one for each combination
/// of a client and a request.
///
/// \code
/// coauth::token_cache cache;
///
/// auto const tokens = cache.source(client, coauth::token_request().scope("read"));
/// auto token = co_await tokens->async_get_access_token();
/// \endcode
///
/// The key is all that shapes a token: the client, which stands for server, client id and
/// authentication, and of the request the set of its scopes, the set of its resources, the
/// audience, the further parameters, and the grant with its content (of which a keyed hash is kept
/// in the key). The order of scopes and of resources does not matter, nor does repetition; that of
/// further parameters does. A grant
/// that asks a function has no content to compare: it is the same in copies of one request alone,
/// so that such a request is made once and kept.
///
/// A tenant with credentials of its own needs a client of its own, which is kept elsewhere: erase
/// its sources before it goes.
///
/// When a source is added beyond `max_sources`, the least recently used one goes. Those that were
/// idle for `max_idle` go at lookups, a few each time, and not without any: there is no timer, and
/// `sweep` takes out all at once. Sources are kept in several parts, each with a lock of its own,
/// that is held for the search alone: lookups of different keys seldom wait for each other.
///
/// Thread safety: all functions may be called from any thread, at the same time.
class COAUTH_DECL token_cache
{
public:
    explicit token_cache(token_cache_options options = {});
    /// Gives up its sources; those that are held elsewhere live on.
    ~token_cache();
    token_cache(token_cache const&) = delete;
    token_cache& operator=(token_cache const&) = delete;

    /// The source for this client and request; made if it is not there.
    ///
    /// A source that the cache gives up is closed when the last pointer to it goes: keep the
    /// pointer for as long as an operation of it runs. Throws nothing but `std::bad_alloc`.
    [[nodiscard]] std::shared_ptr<token_source>
    source(client& client, token_request const& request = token_request());

    /// Gives up those that were idle for `max_idle`, all at once.
    void sweep() noexcept;
    /// Gives up all of this client: before it goes.
    void erase(client const& client) noexcept;

    [[nodiscard]] token_cache_counters counters() const;

private:
    class state;
    std::unique_ptr<state> state_;
};

} // namespace coauth

#endif
