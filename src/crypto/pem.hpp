#ifndef COAUTH_SRC_CRYPTO_PEM_HPP
#define COAUTH_SRC_CRYPTO_PEM_HPP

#include <coauth/result.hpp>
#include <coauth/secret.hpp>
#include <coauth/secret_provider.hpp>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>

// Private keys and certificates as text: for what signs, and for TLS.
namespace coauth::pem
{

struct openssl_deleter
{
    void operator()(BIO* p) const noexcept { BIO_free(p); }
    void operator()(EVP_PKEY* p) const noexcept { EVP_PKEY_free(p); }
    void operator()(X509* p) const noexcept { X509_free(p); }
};
template <class T>
using openssl_ptr = std::unique_ptr<T, openssl_deleter>;

// `errc::invalid_configuration`; what OpenSSL had to say is forgotten. Throws `std::bad_alloc`
// where that was a lack of memory.
error pem_error(std::string context);

// The whole file; `what` names it in messages, as in "tls.key_file '/etc/client.key'".
result<secret> read_file(std::string const& path, std::string const& what);

openssl_ptr<BIO> memory_bio(std::string_view text);

// The first private key in the text. `giver` names who has to know its pass-phrase, as in
// "tls.key_passphrase"; the terminal's user is never asked.
result<openssl_ptr<EVP_PKEY>> read_key(
    std::string_view text, secret_provider const& ask, std::string const& what,
    std::string_view giver);

} // namespace coauth::pem

#endif
