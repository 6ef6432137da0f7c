#ifndef COAUTH_SRC_CLIENT_METADATA_CACHE_HPP
#define COAUTH_SRC_CLIENT_METADATA_CACHE_HPP

#include <coauth/discover.hpp>

#include <chrono>
#include <list>
#include <mutex>
#include <optional>
#include <string>

namespace coauth::detail
{

// The metadata that this process has fetched. Thread-safe.
//
// The trust options are part of the key: with another trust store, another server could have been
// accepted.
class metadata_cache
{
public:
    [[nodiscard]] std::optional<authorization_server>
    find(std::string const& issuer, discovery_options const& options);
    void store(
        std::string const& issuer, discovery_options const& options,
        authorization_server const& server);

private:
    using clock = std::chrono::steady_clock;
    static constexpr std::size_t capacity = 256;

    struct entry
    {
        // The issuer whose URL was used, and the issuer that the metadata had to name.
        std::string issuer;
        std::string expected_issuer;
        tls_options tls;
        bool allow_http_loopback;
        authorization_server server;
        clock::time_point fetched;

        [[nodiscard]] bool is_for(std::string const& url, discovery_options const& options) const;
    };

    std::mutex mutex_;
    // Most recently used first.
    std::list<entry> entries_;
};

// Of the process.
metadata_cache& shared_metadata_cache();

} // namespace coauth::detail

#endif
