#ifndef COAUTH_SRC_NET_TLS_SETTINGS_HPP
#define COAUTH_SRC_NET_TLS_SETTINGS_HPP

struct ssl_ctx_st;

namespace coauth::net
{

// Protocol versions, ciphers and other fixed rules of a context. False: this OpenSSL lacks them, or
// there was no memory.
bool apply_tls_settings(ssl_ctx_st* context);

} // namespace coauth::net

#endif
