#include "testing/client_certificate.hpp"

#include "testing/encoding.hpp"
#include "testing/openssl_ptr.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <array>
#include <stdexcept>

namespace coauth::testing
{

namespace
{

int accept_any(int, X509_STORE_CTX*)
{
    return 1;
}

std::string subject_of(X509 const& certificate)
{
    openssl_ptr<BIO> const bio(BIO_new(BIO_s_mem()));
    if (!bio || X509_NAME_print_ex(
                    bio.get(), X509_get_subject_name(&certificate), 0,
                    XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB)) < 0)
        return {};
    char* data = nullptr;
    long const size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

} // namespace

std::string certificate_thumbprint(X509 const& certificate)
{
    std::array<unsigned char, 32> digest{};
    if (X509_digest(&certificate, EVP_sha256(), digest.data(), nullptr) != 1)
        return {};
    return encode_base64url({reinterpret_cast<char const*>(digest.data()), digest.size()});
}

client_certificate read_client_certificate(SSL* connection)
{
    openssl_ptr<X509> const peer(SSL_get1_peer_certificate(connection));
    if (!peer)
        return {};
    return {
        certificate_thumbprint(*peer), subject_of(*peer),
        SSL_get_verify_result(connection) == X509_V_OK};
}

void request_certificates(SSL_CTX& server, std::string const& ca_pem)
{
    SSL_CTX_set_verify(&server, SSL_VERIFY_PEER, accept_any);
    if (ca_pem.empty())
        return;
    auto const bio = memory_bio(ca_pem);
    bool added = false;
    while (auto const ca =
               openssl_ptr<X509>(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)))
        added = X509_STORE_add_cert(SSL_CTX_get_cert_store(&server), ca.get()) == 1;
    // The end of the text is an error to OpenSSL.
    ERR_clear_error();
    if (!added)
        throw std::runtime_error("cannot set up the TLS server: client_ca_pem");
}

} // namespace coauth::testing
