#ifndef COAUTH_SRC_NET_TRUST_STORE_HPP
#define COAUTH_SRC_NET_TRUST_STORE_HPP

#include <coauth/client_config.hpp>

#include "crypto/openssl_ptr.hpp"

#include <string>

struct ssl_ctx_st;

namespace coauth::net
{

using trust_store_ptr = crypto::openssl_ptr<X509_STORE>;

// The text of `tls_options::ca_file`; empty if it names none.
result<std::string> read_ca_file(tls_options const& options);

// The trust anchors and revocation lists of these options. The system's trust store is loaded once
// for the process, which takes some 20 ms, and shared by all options that add nothing to it.
// Throws `std::bad_alloc`.
result<trust_store_ptr>
make_trust_store(tls_options const& options, std::string const& ca_file_text);

// Makes the context verify certificates so that a lack of memory is not taken for a bad one.
void set_verify_callback(ssl_ctx_st* context) noexcept;

} // namespace coauth::net

#endif
