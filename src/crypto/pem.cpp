#include "crypto/pem.hpp"

#include "crypto/key_text.hpp"
#include "crypto/openssl_error.hpp"
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
    clear_errors();
    auto const bio = memory_bio(text);
    std::vector<openssl_ptr<X509>> all;
    while (bio)
    {
        openssl_ptr<X509> next(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
        if (!next)
            break;
        all.push_back(std::move(next));
    }
    // Other text may follow, but not a part of a certificate.
    bool const damaged = ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
    throw_if_out_of_memory();
    if (!all.empty() && damaged)
        return pem_error(subject + " is cut off or damaged after its first certificate");
    ERR_clear_error();
    return all;
}

} // namespace coauth::crypto
