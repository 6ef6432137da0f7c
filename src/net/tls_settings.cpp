#include "net/tls_settings.hpp"

#include <openssl/ssl.h>

namespace coauth::net
{
namespace
{

// RFC 9325 and RFC 10015: no static RSA, no anonymous or null suites, and no DHE, whose group the
// server chooses: one of 8192 bits would block the event loop for a third of a second. Level 2
// refuses keys and signatures that are too weak, whatever the system's configuration says.
constexpr char const* ciphers = "DEFAULT:!kRSA:!kDHE:!kPSK:!aPSK:!kSRP:!aNULL:!eNULL:@SECLEVEL=2";
constexpr unsigned char alpn[] = "\x08http/1.1";

} // namespace

bool apply_tls_settings(SSL_CTX* context)
{
    SSL_CTX_set_security_level(context, 2);
    SSL_CTX_set_options(
        context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CLEANSE_PLAINTEXT);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(context, ciphers) == 1 &&
           SSL_CTX_set_alpn_protos(context, alpn, sizeof(alpn) - 1) == 0;
}

} // namespace coauth::net
