#ifndef COAUTH_SRC_CRYPTO_PEM_HPP
#define COAUTH_SRC_CRYPTO_PEM_HPP

#include <coauth/result.hpp>

#include "crypto/openssl_ptr.hpp"
#include "values/watched_file.hpp"

#include <string>
#include <string_view>
#include <vector>

// Keys and certificates as PEM text: for signatures and for TLS.
namespace coauth::crypto
{

// `errc::invalid_configuration`. Empties OpenSSL's error queue, and throws `std::bad_alloc` if that
// says that memory was lacking.
error pem_error(std::string context);

// `subject` names the option in messages, such as "tls.key_file".
detail::watched_file pem_file(std::string path, std::string subject);

// Reads from `text`, which must outlive it.
openssl_ptr<BIO> memory_bio(std::string_view text);

// The first certificate in the text; null: there is none that can be read.
openssl_ptr<X509> read_certificate(std::string_view text);

// All certificates in the text, in their order, also as people paste them. A damaged one is an
// error with its line.
result<std::vector<openssl_ptr<X509>>>
read_certificates(std::string_view text, std::string const& subject);

} // namespace coauth::crypto

#endif
