#ifndef COAUTH_SRC_NET_CERTIFICATE_INDEX_HPP
#define COAUTH_SRC_NET_CERTIFICATE_INDEX_HPP

#include <coauth/result.hpp>

#include "crypto/openssl_ptr.hpp"

#include <string>
#include <string_view>

namespace coauth::net
{

// Like `add_certificates`, but a certificate is parsed when OpenSSL looks for its subject: parsing
// a system's bundle takes some 20 ms, and a process needs few of its certificates. Called once for
// a store.
result<bool> index_certificates(X509_STORE* store, std::string_view pem, std::string const& name);

} // namespace coauth::net

#endif
