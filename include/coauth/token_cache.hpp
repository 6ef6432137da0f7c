#ifndef COAUTH_TOKEN_CACHE_HPP
#define COAUTH_TOKEN_CACHE_HPP

#include <coauth/client.hpp>
#include <coauth/export.hpp>
#include <coauth/token_fetcher.hpp>
#include <coauth/token_request.hpp>
#include <coauth/token_source.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace coauth
{

/// Options of a `token_cache`. A plain aggregate.
struct token_cache_options
{
    /// Maximum number of sources. A further one replaces the least recently used source. Zero
    /// counts as one.
    std::size_t max_sources = 100'000;
    /// A source that was not looked up for this time is removed, unless the program holds a pointer
    /// to it. 0 or less, or for ever: sources are not removed for idleness.
    std::chrono::seconds max_idle{3600};
    /// The options of each source.
    token_source_options source = {};
};

/// Counters of a `token_cache` since it was created.
struct token_cache_counters
{
    /// Lookups that found a source.
    std::uint64_t hits = 0;
    /// Lookups that created a source.
    std::uint64_t misses = 0;
    /// Sources removed because the cache was full.
    std::uint64_t evicted = 0;
    /// Sources removed because they were idle.
    std::uint64_t idle_removed = 0;
    /// Number of sources now.
    std::size_t size = 0;
};

/// Keeps a `token_source` for each combination of a client (or a fetcher) and a request. For
/// servers with many tenants, scopes or resources.
///
/// \code
/// coauth::token_cache cache;
///
/// auto const tokens = cache.get(client, coauth::token_request().scope("read"));
/// auto token = co_await tokens->async_get_access_token();
/// \endcode
///
/// The key consists of all that determines a token: the fetcher, or the client with its server and
/// authentication, and the request's scopes, resources, audience, further parameters and grant. The
/// order of scopes and resources does not matter, and neither do duplicates. The order of further
/// parameters matters.
///
/// A grant is compared by its content, of which the key stores a keyed hash. A grant whose values
/// come from a function has no content to compare, so only copies of one request are equal: create
/// such a request once and keep it.
///
/// A request that presents a refresh token belongs in a source of its own: a source that the cache
/// removes takes the latest refresh token with it.
///
/// A tenant with credentials of its own needs a client of its own. The program keeps that client,
/// and calls `erase` before it destroys it. Copies of a `token_fetcher` count as one, and the
/// fetchers of a client as that client.
///
/// There is no timer: each lookup removes a few sources that were idle for `max_idle`, and
/// `remove_idle` removes all of them. One lock protects the cache; it is held only for the search,
/// never while a source is created or destroyed.
///
/// \par Thread safety
/// All functions may be called from any thread at the same time.
class COAUTH_DECL token_cache
{
public:
    /// Creates an empty cache.
    explicit token_cache(token_cache_options options = {});
    /// Releases its sources. Those that the program holds pointers to remain usable.
    ~token_cache();
    ///@{

    /// Not copyable.
    token_cache(token_cache const&) = delete;
    token_cache& operator=(token_cache const&) = delete;
    ///@}

    /// Returns the source for this client and request, and creates it if needed.
    ///
    /// Keep the pointer as long as an operation of the source runs: a source that the cache has
    /// removed is closed when the last pointer to it is destroyed. Throws only `std::bad_alloc`.
    [[nodiscard]] std::shared_ptr<token_source>
    get(client& client, token_request const& request = token_request());
    /// The same for a fetcher and this request.
    [[nodiscard]] std::shared_ptr<token_source>
    get(token_fetcher const& fetcher, token_request const& request = token_request());

    /// Removes all sources that were idle for `max_idle`.
    void remove_idle() noexcept;
    /// Removes all sources of this client. Call it before you destroy the client.
    void erase(client const& client) noexcept;
    /// Removes all sources of this fetcher.
    void erase(token_fetcher const& fetcher) noexcept;

    /// The counters since construction, and the size now.
    [[nodiscard]] token_cache_counters counters() const;

private:
    class state;
    std::unique_ptr<state> state_;
};

} // namespace coauth

#endif
