#ifndef COAUTH_SRC_NET_TLS_CONTEXT_HPP
#define COAUTH_SRC_NET_TLS_CONTEXT_HPP

#include <coauth/client_config.hpp>

#include "net/session_cache.hpp"

#include <memory>
#include <optional>

struct ssl_ctx_st;
struct ssl_st;

namespace coauth::net
{

// Protocol versions, ciphers, trust anchors, and the sessions that can be resumed.
class tls_context
{
public:
    // Takes ownership of the native context.
    tls_context(ssl_ctx_st* native, bool session_resumption);
    ~tls_context();
    tls_context(tls_context const&) = delete;
    tls_context& operator=(tls_context const&) = delete;

    [[nodiscard]] ssl_ctx_st* native() const noexcept { return native_; }
    // Resumes a session of the server, if there is one. `key` must outlive the connection.
    void attach(ssl_st* connection, session_key& key);

private:
    ssl_ctx_st* native_;
    std::optional<session_cache> sessions_;
};

// A TLS context for these options. Contexts are cached for the process; a CA file that has changed
// is read again. Safe from any thread.
result<std::shared_ptr<tls_context>> find_tls_context(tls_options const& options);

} // namespace coauth::net

#endif
