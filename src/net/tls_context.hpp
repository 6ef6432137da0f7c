#ifndef COAUTH_SRC_NET_TLS_CONTEXT_HPP
#define COAUTH_SRC_NET_TLS_CONTEXT_HPP

#include <coauth/client_config.hpp>

#include "net/session_cache.hpp"
#include "net/trust_source.hpp"
#include "values/reloadable.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

struct ssl_ctx_st;
struct ssl_st;

namespace coauth::net
{

// Protocol versions, ciphers, trust anchors, and the sessions that can be resumed: those of
// connections that were verified by these anchors.
class tls_context
{
public:
    // Takes ownership of the native context. The fingerprint identifies what its files said.
    tls_context(ssl_ctx_st* native, bool session_resumption, std::string fingerprint);
    ~tls_context();
    tls_context(tls_context const&) = delete;
    tls_context& operator=(tls_context const&) = delete;

    [[nodiscard]] ssl_ctx_st* native() const noexcept { return native_; }
    [[nodiscard]] std::string const& fingerprint() const noexcept { return fingerprint_; }
    // Resumes a session of the server, if there is one. `key` must outlive the connection.
    void attach(ssl_st* connection, session_key& key);

private:
    ssl_ctx_st* native_;
    std::string const fingerprint_;
    std::optional<session_cache> sessions_;
};

// The TLS context of certain options, made again when a file that they trust has changed. Safe from
// any thread.
class tls_context_source
{
public:
    using context_ptr = std::shared_ptr<tls_context>;

    // Shared by all clients of the process whose options trust the same: files are read and parsed
    // once.
    static std::shared_ptr<tls_context_source> find(tls_options const& options);

    explicit tls_context_source(tls_options const& options);

    // The context that the files make now, or why they cannot be used.
    result<context_ptr> current();
    // Changes with the context.
    [[nodiscard]] std::uint64_t generation() const noexcept { return context_.generation(); }
    [[nodiscard]] bool is_for(tls_options const& options) const;

private:
    result<context_ptr> load(context_ptr const& previous) const;

    trust_source const trust_;
    detail::reloadable<tls_context> context_;
};

} // namespace coauth::net

#endif
