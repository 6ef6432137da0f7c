#include "net/certificate_verification.hpp"

#include "crypto/openssl_error.hpp"
#include "crypto/openssl_ptr.hpp"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <utility>

namespace coauth::net
{
namespace
{

using crypto::openssl_ptr;

// OpenSSL parses a certificate's key and extensions once, and caches a failure that came from a
// lack of memory.
bool is_readable(X509* certificate)
{
    return X509_check_purpose(certificate, -1, 0) == 1 && X509_get0_pubkey(certificate) != nullptr;
}

} // namespace

void parse_certificates(X509_STORE* store)
{
    crypto::clear_errors();
    STACK_OF(X509_OBJECT)* const objects = X509_STORE_get0_objects(store);
    for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i)
        if (X509* const certificate = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i)))
            (void)is_readable(certificate);
    crypto::throw_if_out_of_memory();
}

namespace
{

// A copy that is parsed more completely; null: the certificate is complete itself.
openssl_ptr<X509> complete_copy(X509* certificate)
{
    openssl_ptr<X509> copy(X509_dup(certificate));
    bool const more = copy && is_readable(copy.get()) &&
                      (!is_readable(certificate) || X509_get_extension_flags(certificate) !=
                                                        X509_get_extension_flags(copy.get()));
    return more ? std::move(copy) : nullptr;
}

// Replaces incomplete certificates that may be the issuer; those of a directory are loaded when
// they are needed. Returns whether there were any.
bool repair_issuers(X509_STORE* store, X509 const* issued)
{
    bool repaired = false;
    X509_STORE_lock(store);
    STACK_OF(X509_OBJECT)* const objects = X509_STORE_get0_objects(store);
    for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i)
    {
        X509_OBJECT* const object = sk_X509_OBJECT_value(objects, i);
        X509* const issuer = X509_OBJECT_get0_X509(object);
        if (issuer == nullptr ||
            X509_NAME_cmp(X509_get_subject_name(issuer), X509_get_issuer_name(issued)) != 0)
            continue;
        if (auto const copy = complete_copy(issuer))
            repaired = X509_OBJECT_set1_X509(object, copy.get()) == 1 || repaired;
    }
    X509_STORE_unlock(store);
    return repaired;
}

bool lacked_memory_for(X509_STORE_CTX* verification, STACK_OF(X509) * certificates)
{
    bool lacked = false;
    for (int i = 0; i < sk_X509_num(certificates); ++i)
    {
        X509* const certificate = sk_X509_value(certificates, i);
        lacked = complete_copy(certificate) || lacked;
        lacked = repair_issuers(X509_STORE_CTX_get0_store(verification), certificate) || lacked;
    }
    return lacked;
}

// A failure that follows from a lack of memory says nothing about the server.
int verify(X509_STORE_CTX* verification, void* /*unused*/)
{
    if (X509_verify_cert(verification) == 1)
        return 1;
    bool const in_chain = lacked_memory_for(verification, X509_STORE_CTX_get0_chain(verification));
    if (lacked_memory_for(verification, X509_STORE_CTX_get0_untrusted(verification)) || in_chain)
        X509_STORE_CTX_set_error(verification, X509_V_ERR_OUT_OF_MEM);
    return 0;
}

} // namespace

void set_verify_callback(SSL_CTX* context) noexcept
{
    SSL_CTX_set_cert_verify_callback(context, verify, nullptr);
}

} // namespace coauth::net
