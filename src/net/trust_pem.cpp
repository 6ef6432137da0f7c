#include "net/trust_pem.hpp"

#include "crypto/openssl_error.hpp"
#include "crypto/pem.hpp"
#include "crypto/pem_bundle.hpp"

#include <openssl/pem.h>

#include <algorithm>
#include <initializer_list>

namespace coauth::net
{
namespace
{

using crypto::openssl_ptr;

// Calls `add` for every PEM block with one of the labels.
template <class Add>
result<bool> add_blocks(
    std::string_view pem, std::string const& name, std::initializer_list<std::string_view> labels,
    Add const& add)
{
    auto const blocks = crypto::split_pem(pem, name);
    if (!blocks)
        return blocks.error();
    bool any = false;
    for (auto const& block : *blocks)
    {
        if (std::find(labels.begin(), labels.end(), block.label) == labels.end())
            continue;
        auto const text = crypto::pem_text(block);
        crypto::clear_errors();
        auto const bio = crypto::memory_bio(text);
        bool const added = bio && add(bio.get());
        crypto::throw_if_out_of_memory();
        if (!added)
            return crypto::damaged_block(block, name);
        any = true;
    }
    return any;
}

} // namespace

result<bool> add_certificates(X509_STORE* store, std::string_view pem, std::string const& name)
{
    return add_blocks(
        pem, name, {PEM_STRING_X509, PEM_STRING_X509_OLD, PEM_STRING_X509_TRUSTED},
        [&](BIO* bio)
        {
            // With the trust settings of a TRUSTED CERTIFICATE.
            openssl_ptr<X509> const certificate(
                PEM_read_bio_X509_AUX(bio, nullptr, nullptr, nullptr));
            return certificate && X509_STORE_add_cert(store, certificate.get()) == 1;
        });
}

result<bool> add_revocation_lists(X509_STORE* store, std::string_view pem, std::string const& name)
{
    return add_blocks(
        pem, name, {PEM_STRING_X509_CRL},
        [&](BIO* bio)
        {
            openssl_ptr<X509_CRL> const list(PEM_read_bio_X509_CRL(bio, nullptr, nullptr, nullptr));
            return list && X509_STORE_add_crl(store, list.get()) == 1;
        });
}

} // namespace coauth::net
