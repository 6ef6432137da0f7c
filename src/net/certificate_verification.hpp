#ifndef COAUTH_SRC_NET_CERTIFICATE_VERIFICATION_HPP
#define COAUTH_SRC_NET_CERTIFICATE_VERIFICATION_HPP

#include <openssl/types.h>

// A lack of memory must not be taken for a bad certificate.
namespace coauth::net
{

// Parses all certificates of the store, before it is shared. Throws `std::bad_alloc`.
void parse_certificates(X509_STORE* store);

// Makes the context verify certificates so that a lack of memory is not taken for a bad one.
void set_verify_callback(SSL_CTX* context) noexcept;

} // namespace coauth::net

#endif
