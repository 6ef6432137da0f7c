#include "net/session_cache.hpp"

#include <openssl/ssl.h>

#include <iterator>
#include <utility>

namespace coauth::net
{

session_cache::session_cache(SSL_CTX* context)
{
    SSL_CTX_set_session_cache_mode(
        context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL | SSL_SESS_CACHE_NO_AUTO_CLEAR);
    SSL_CTX_sess_set_new_cb(context, on_new_session);
}

void session_cache::attach(SSL* connection, session_key& key)
{
    SSL_set_app_data(connection, &key);
    if (auto const session = take(key.peer))
        SSL_set_session(connection, session.get());
}

// In TLS 1.3 it is called for each ticket, also long after the handshake.
int session_cache::on_new_session(SSL* connection, SSL_SESSION* session)
{
    // A server sends one or two tickets, but may send any number.
    constexpr unsigned max_per_connection = 4;
    auto* const key = static_cast<session_key*>(SSL_get_app_data(connection));
    if (key == nullptr || SSL_SESSION_is_resumable(session) != 1 ||
        key->stored_sessions == max_per_connection)
        return 0;
    ++key->stored_sessions;
    try
    {
        key->cache->store(key->peer, session_ptr(session));
        return 1;
    }
    catch (...)
    {
        // Without memory the session is not stored; `session_ptr` has freed our reference.
        return 1;
    }
}

// The ticket is the part whose size the server chooses.
std::size_t session_cache::size_of(SSL_SESSION const* session) noexcept
{
    unsigned char const* ticket = nullptr;
    std::size_t size = 0;
    SSL_SESSION_get0_ticket(session, &ticket, &size);
    return size;
}

session_cache::session_ptr
session_cache::server::remove(std::vector<session_ptr>::iterator position) noexcept
{
    bytes -= size_of(position->get());
    auto removed = std::move(*position);
    sessions.erase(position);
    return removed;
}

void session_cache::store(std::string const& peer, session_ptr session)
{
    // As many as connections are opened at once, unless their tickets are large.
    constexpr std::size_t max_sessions = 128;
    constexpr std::size_t max_bytes = std::size_t(256) * 1024;
    constexpr std::size_t max_servers = 1024;
    std::lock_guard const lock(mutex_);
    auto found = by_peer_.find(peer);
    if (found == by_peer_.end())
    {
        // Complete before it is linked: memory may fail at the second part.
        std::list<server> added(1);
        added.front().peer = peer;
        found = by_peer_.emplace(peer, added.begin()).first;
        servers_.splice(servers_.begin(), added);
    }
    else
        servers_.splice(servers_.begin(), servers_, found->second);
    auto& known = *found->second;
    known.sessions.push_back(std::move(session));
    known.bytes += size_of(known.sessions.back().get());
    while (known.sessions.size() > max_sessions ||
           (known.bytes > max_bytes && known.sessions.size() > 1))
        known.remove(known.sessions.begin());
    if (servers_.size() > max_servers)
    {
        by_peer_.erase(servers_.back().peer);
        servers_.pop_back();
    }
}

// A ticket of TLS 1.3 is for one connection (RFC 8446 appendix C.4) and leaves the cache. One of
// TLS 1.2 stays.
session_cache::session_ptr session_cache::take(std::string const& peer)
{
    std::lock_guard const lock(mutex_);
    auto const found = by_peer_.find(peer);
    if (found == by_peer_.end() || found->second->sessions.empty())
        return nullptr;
    auto& sessions = found->second->sessions;
    if (SSL_SESSION_get_protocol_version(sessions.back().get()) < TLS1_3_VERSION)
    {
        SSL_SESSION_up_ref(sessions.back().get());
        return session_ptr(sessions.back().get());
    }
    return found->second->remove(std::prev(sessions.end()));
}

} // namespace coauth::net
