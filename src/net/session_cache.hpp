#ifndef COAUTH_SRC_NET_SESSION_CACHE_HPP
#define COAUTH_SRC_NET_SESSION_CACHE_HPP

#include "crypto/openssl_ptr.hpp"

#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

struct ssl_ctx_st;
struct ssl_st;

namespace coauth::net
{

class session_cache;

// The cache and the server that the sessions of one connection belong to.
struct session_key
{
    session_cache* cache = nullptr;
    std::string peer;
    // By this connection.
    unsigned stored_sessions = 0;
};

// TLS sessions that can be resumed, by server. Safe from any thread.
class session_cache
{
public:
    // For connections of this context.
    explicit session_cache(ssl_ctx_st* context);

    // Offers a stored session to the server, if there is one, and stores new ones. `key` must
    // outlive the connection.
    void attach(ssl_st* connection, session_key& key);

private:
    using session_ptr = crypto::openssl_ptr<SSL_SESSION>;
    struct server
    {
        std::string peer;
        // The newest is the last.
        std::vector<session_ptr> sessions;
        std::size_t bytes = 0;

        session_ptr remove(std::vector<session_ptr>::iterator position) noexcept;
    };

    static std::size_t size_of(SSL_SESSION const* session) noexcept;
    static int on_new_session(ssl_st* connection, SSL_SESSION* session);
    void store(std::string const& peer, session_ptr session);
    session_ptr take(std::string const& peer);

    std::mutex mutex_;
    // The most recently used is the first.
    std::list<server> servers_;
    std::unordered_map<std::string, std::list<server>::iterator> by_peer_;
};

} // namespace coauth::net

#endif
