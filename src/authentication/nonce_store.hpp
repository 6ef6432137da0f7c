#ifndef COAUTH_SRC_AUTHENTICATION_NONCE_STORE_HPP
#define COAUTH_SRC_AUTHENTICATION_NONCE_STORE_HPP

#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace coauth::detail
{

// The last DPoP nonce of each origin (RFC 9449 section 8.2). May be used from any thread.
class nonce_store
{
public:
    // Empty: none is known.
    [[nodiscard]] std::string find(std::string const& origin);
    // Ignores text that is not a nonce (RFC 9449 section 8.1).
    void store(std::string const& origin, std::string_view nonce);

private:
    // Most recently used first.
    using entry_list = std::list<std::pair<std::string, std::string>>;

    std::mutex mutex_;
    entry_list entries_;
    std::unordered_map<std::string, entry_list::iterator> by_origin_;
};

} // namespace coauth::detail

#endif
