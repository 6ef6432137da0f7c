#ifndef COAUTH_SRC_NET_TLS_CONTEXT_HPP
#define COAUTH_SRC_NET_TLS_CONTEXT_HPP

#include <coauth/client_config.hpp>

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

struct ssl_ctx_st;
struct ssl_session_st;
struct ssl_st;

namespace coauth::net
{

class tls_context;

// To whom the sessions of one connection belong.
struct session_key
{
    tls_context* context = nullptr;
    std::string peer;
    // How many of them were kept.
    unsigned kept = 0;
};

// Protocol bounds, ciphers and trust anchors, and the sessions that may be resumed, by server.
class tls_context
{
public:
    // Takes the native context over.
    tls_context(ssl_ctx_st* native, bool keep_sessions);
    ~tls_context();
    tls_context(tls_context const&) = delete;
    tls_context& operator=(tls_context const&) = delete;

    [[nodiscard]] ssl_ctx_st* native() const noexcept { return native_; }

    // Offers a kept session, if there is one, and keeps those that come. `owner` must outlive the
    // connection.
    void attach(ssl_st* connection, session_key& owner);

private:
    struct free_session
    {
        void operator()(ssl_session_st* session) const noexcept;
    };
    using session_ptr = std::unique_ptr<ssl_session_st, free_session>;
    struct server
    {
        std::string peer;
        // The newest last.
        std::vector<session_ptr> sessions;
        std::size_t bytes = 0;

        session_ptr remove(std::vector<session_ptr>::iterator which) noexcept;
    };

    static std::size_t size_of(ssl_session_st const* session) noexcept;
    static int on_new_session(ssl_st* connection, ssl_session_st* session);
    void keep(std::string const& peer, session_ptr session);
    session_ptr take(std::string const& peer);

    ssl_ctx_st* native_;
    bool keep_sessions_;

    std::mutex mutex_;
    // Most recently used first.
    std::list<server> servers_;
    std::unordered_map<std::string, std::list<server>::iterator> by_peer_;
};

// A TLS context for these options. Contexts are cached for the process, and the system's trust
// store is read once: it costs some 20 ms. A CA file that changed on disk is read again. Safe from
// any thread.
result<std::shared_ptr<tls_context>> find_tls_context(tls_options const& options);

} // namespace coauth::net

#endif
