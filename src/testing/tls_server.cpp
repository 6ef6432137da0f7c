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

void check(bool ok, char const* subject)
{
    if (!ok)
        throw std::runtime_error(std::string("cannot set up the TLS server: ") + subject);
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

boost::asio::ssl::context make_tls_server(
    server_certificate const& certificate, server_options const& options,
    bool requests_certificates)
{
    boost::asio::ssl::context context(boost::asio::ssl::context::tls_server);
    SSL_CTX* const tls = context.native_handle();

    // Permits weak algorithms: the client under test has to refuse them.
    SSL_CTX_set_security_level(tls, 0);
    check(SSL_CTX_set_min_proto_version(tls, options.min_tls_version) == 1, "min_tls_version");
    check(SSL_CTX_set_max_proto_version(tls, options.max_tls_version) == 1, "max_tls_version");
    if (!options.ciphers.empty())
        check(SSL_CTX_set_cipher_list(tls, options.ciphers.c_str()) == 1, "ciphers");

    check(SSL_CTX_use_certificate(tls, certificate.certificate.get()) == 1, "certificate");
    check(
        SSL_CTX_use_PrivateKey(tls, certificate.key.get()) == 1,
        "the key does not fit the certificate");
    for (auto const& intermediate : certificate.chain)
        check(SSL_CTX_add1_chain_cert(tls, intermediate.get()) == 1, "chain");

    if (requests_certificates)
        request_certificates(*tls, options.client_ca_pem);
    limit_sessions(tls, options.session_lifetime);
    return context;
}

void rotate_session_keys(boost::asio::ssl::context& server)
{
    SSL_CTX* const tls = server.native_handle();
    // Without a buffer the function returns the size.
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
