#ifndef COAUTH_SRC_NET_TLS_SETTINGS_HPP
#define COAUTH_SRC_NET_TLS_SETTINGS_HPP

#include <coauth/result.hpp>

#include <string>

struct ssl_ctx_st;

namespace coauth::net
{

// Protocol versions, ciphers and other rules of a new context. Where the system's OpenSSL
// configuration (MinProtocol, MaxProtocol, CipherString, Ciphersuites, Groups) is stricter, it is
// kept; `groups`, if not empty, replaces the system's. Throws `std::bad_alloc`.
result<void> apply_tls_settings(ssl_ctx_st* context, std::string const& groups);

} // namespace coauth::net

#endif
