#include "testing/tls_server.hpp"

#include "testing/client_certificate.hpp"

#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <stdexcept>
#include <vector>

namespace coauth::testing
{

namespace
{

void check(bool ok, char const* what)
{
    if (!ok)
        throw std::runtime_error(std::string("cannot set up the TLS server: ") + what);
}

void limit_sessions(SSL_CTX* tls, std::chrono::seconds lifetime)
{
    static constexpr unsigned char session_context[] = "coauth";
    check(
        SSL_CTX_set_session_id_context(tls, session_context, sizeof session_context) == 1,
        "session tickets");
    SSL_CTX_set_timeout(tls, static_cast<long>(lifetime.count()));
    if (lifetime.count() > 0)
        return;
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(tls, SSL_OP_NO_TICKET);
    check(SSL_CTX_set_num_tickets(tls, 0) == 1, "session_lifetime");
}

} // namespace

boost::asio::ssl::context
make_tls_server(identity const& id, server_options const& options, bool asks_for_certificates)
{
    boost::asio::ssl::context made(boost::asio::ssl::context::tls_server);
    SSL_CTX* const tls = made.native_handle();

    // A server that offers what is weak, so that it is the client that has to refuse.
    SSL_CTX_set_security_level(tls, 0);
    check(SSL_CTX_set_min_proto_version(tls, options.min_tls_version) == 1, "min_tls_version");
    check(SSL_CTX_set_max_proto_version(tls, options.max_tls_version) == 1, "max_tls_version");
    if (!options.ciphers.empty())
        check(SSL_CTX_set_cipher_list(tls, options.ciphers.c_str()) == 1, "ciphers");

    check(SSL_CTX_use_certificate(tls, id.leaf.certificate.get()) == 1, "certificate");
    check(SSL_CTX_use_PrivateKey(tls, id.leaf.key.get()) == 1, "key");
    for (auto const& certificate : id.chain)
        check(SSL_CTX_add1_chain_cert(tls, certificate.get()) == 1, "chain");

    if (asks_for_certificates)
        ask_for_certificates(*tls, options.client_ca_pem);
    limit_sessions(tls, options.session_lifetime);
    return made;
}

void rotate_session_keys(boost::asio::ssl::context& server)
{
    SSL_CTX* const tls = server.native_handle();
    // Without a buffer, its size is asked for.
    std::vector<unsigned char> key(
        static_cast<std::size_t>(SSL_CTX_get_tlsext_ticket_keys(tls, nullptr, 0)));
    check(RAND_bytes(key.data(), static_cast<int>(key.size())) == 1, "ticket key");
    check(SSL_CTX_set_tlsext_ticket_keys(tls, key.data(), key.size()) == 1, "ticket key");
#if OPENSSL_VERSION_NUMBER >= 0x30400000L
    SSL_CTX_flush_sessions_ex(tls, 0);
#else
    SSL_CTX_flush_sessions(tls, 0);
#endif
}

} // namespace coauth::testing
