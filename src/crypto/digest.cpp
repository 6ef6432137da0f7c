#include "crypto/digest.hpp"

#include "crypto/openssl_error.hpp"
#include "values/encoding.hpp"
#include "values/make_error.hpp"
#include "values/wipe.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <new>

namespace coauth::crypto
{
namespace
{

EVP_MD const* hmac_digest(signature_algorithm algorithm)
{
    switch (algorithm)
    {
    case signature_algorithm::hs256:
        return EVP_sha256();
    case signature_algorithm::hs384:
        return EVP_sha384();
    case signature_algorithm::hs512:
        return EVP_sha512();
    default:
        return nullptr;
    }
}

unsigned char const* unsigned_bytes(std::string_view text)
{
    return reinterpret_cast<unsigned char const*>(text.data());
}

} // namespace

std::string sha256(std::string_view bytes)
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
        throw std::bad_alloc();
    return {digest.begin(), digest.begin() + size};
}

result<secret> hmac(signature_algorithm algorithm, secret const& key, std::string_view input)
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    auto const* const digest = hmac_digest(algorithm);
    clear_errors();
    bool const ok = digest != nullptr &&
                    HMAC(
                        digest, key.view().data(), static_cast<int>(key.size()),
                        unsigned_bytes(input), input.size(), bytes.data(), &size) != nullptr;
    secret code(std::string_view(reinterpret_cast<char const*>(bytes.data()), size));
    detail::wipe(bytes.data(), bytes.size());
    if (ok)
        return code;
    throw_if_out_of_memory();
    return detail::config_error(
        "the client assertion could not be signed by " + std::string(to_string(algorithm)));
}

result<std::string> random_id()
{
    std::array<unsigned char, 16> random{};
    clear_errors();
    if (RAND_bytes(random.data(), static_cast<int>(random.size())) == 1)
        return detail::base64url({reinterpret_cast<char const*>(random.data()), random.size()});
    throw_if_out_of_memory();
    return detail::make_error(errc::random_failed, "for a unique identifier (jti)");
}

} // namespace coauth::crypto
