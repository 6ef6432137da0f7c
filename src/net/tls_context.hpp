#ifndef COAUTH_SRC_NET_TLS_CONTEXT_HPP
#define COAUTH_SRC_NET_TLS_CONTEXT_HPP

#include <coauth/client_config.hpp>

#include <memory>

namespace boost::asio::ssl
{
class context;
}

namespace coauth::net
{

// A TLS context for these options: protocol bounds, ciphers and trust anchors. Contexts are cached
// for the process, and the system's trust store is read once: it costs some 20 ms. A CA file that
// changed on disk is read again. Safe from any thread.
result<std::shared_ptr<boost::asio::ssl::context>> find_tls_context(tls_options const& options);

} // namespace coauth::net

#endif
