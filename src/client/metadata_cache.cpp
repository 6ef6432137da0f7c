#include "client/metadata_cache.hpp"

#include "values/same_trust.hpp"

namespace coauth::detail
{

bool metadata_cache::entry::is_for(std::string const& url, discovery_options const& options) const
{
    return issuer == url && expected_issuer == options.expected_issuer &&
           allow_http_loopback == options.allow_http_loopback && is_same_trust(tls, options.tls);
}

std::optional<authorization_server>
metadata_cache::find(std::string const& issuer, discovery_options const& options)
{
    std::lock_guard const lock(mutex_);
    for (auto i = entries_.begin(); i != entries_.end(); ++i)
    {
        if (!i->is_for(issuer, options))
            continue;
        // Compared in seconds: `lifetime` may be larger than the clock's range.
        auto const age = std::chrono::floor<std::chrono::seconds>(clock::now() - i->fetched);
        if (age >= options.lifetime)
            return std::nullopt;
        entries_.splice(entries_.begin(), entries_, i);
        return i->server;
    }
    return std::nullopt;
}

void metadata_cache::store(
    std::string const& issuer, discovery_options const& options, authorization_server const& server)
{
    std::lock_guard const lock(mutex_);
    entries_.remove_if([&](entry const& one) { return one.is_for(issuer, options); });
    entries_.push_front(
        {issuer, options.expected_issuer, options.tls, options.allow_http_loopback, server,
         clock::now()});
    if (entries_.size() > capacity)
        entries_.pop_back();
}

metadata_cache& shared_metadata_cache()
{
    static metadata_cache cache;
    return cache;
}

} // namespace coauth::detail
