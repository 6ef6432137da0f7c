#include "crypto/pem.hpp"

#include "crypto/key_text.hpp"
#include "crypto/openssl_error.hpp"
#include "crypto/pem_bundle.hpp"
#include "values/make_error.hpp"

#include <openssl/pem.h>

#include <utility>

namespace coauth::crypto
{

error pem_error(std::string context)
{
    throw_if_out_of_memory();
    return detail::config_error(std::move(context));
}

detail::watched_file pem_file(std::string path, std::string subject)
{
    return {
        std::move(path),
        {.subject = std::move(subject),
         .advice = "give the path of a PEM file",
         .may_be_utf16 = true}};
}

openssl_ptr<BIO> memory_bio(std::string_view text)
{
    return openssl_ptr<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

openssl_ptr<X509> read_certificate(std::string_view text)
{
    // As people paste it.
    auto const normal = normalize_key_text(text);
    clear_errors();
    auto const bio = memory_bio(normal.view());
    return openssl_ptr<X509>(
        bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr);
}

result<std::vector<openssl_ptr<X509>>>
read_certificates(std::string_view text, std::string const& subject)
{
    auto blocks = split_pem(text, subject);
    // In another encoding, perhaps.
    if (blocks && blocks->empty())
        blocks = split_pem(normalize_key_text(text).view(), subject);
    if (!blocks)
        return blocks.error();
    std::vector<openssl_ptr<X509>> all;
    for (auto const& block : *blocks)
    {
        if (block.label != PEM_STRING_X509 && block.label != PEM_STRING_X509_OLD &&
            block.label != PEM_STRING_X509_TRUSTED)
            continue;
        auto const single = pem_text(block);
        clear_errors();
        auto const bio = memory_bio(single);
        openssl_ptr<X509> certificate(
            bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr);
        throw_if_out_of_memory();
        if (!certificate)
            return damaged_block(block, subject);
        all.push_back(std::move(certificate));
    }
    return all;
}

} // namespace coauth::crypto
