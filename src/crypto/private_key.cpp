#include "crypto/private_key.hpp"

#include "crypto/ecdsa_signature.hpp"
#include "crypto/openssl_error.hpp"
#include "crypto/pem.hpp"
#include "values/wipe.hpp"

#include <openssl/rsa.h>

#include <vector>

namespace coauth::crypto
{
namespace
{

using enum signature_algorithm;

// Null: the algorithm has a digest of its own.
EVP_MD const* digest_for(signature_algorithm algorithm)
{
    switch (algorithm)
    {
    case rs384:
    case ps384:
    case es384:
        return EVP_sha384();
    case rs512:
    case ps512:
    case es512:
        return EVP_sha512();
    case eddsa:
    case ed25519:
        return nullptr;
    default:
        return EVP_sha256();
    }
}

bool is_pss(signature_algorithm algorithm)
{
    return algorithm == ps256 || algorithm == ps384 || algorithm == ps512;
}

} // namespace

result<secret> private_key::sign(std::string_view input) const
{
    clear_errors();
    openssl_ptr<EVP_MD_CTX> const context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* options = nullptr;
    auto const* const bytes = reinterpret_cast<unsigned char const*>(input.data());
    bool ok = context && key_ &&
              EVP_DigestSignInit(
                  context.get(), &options, digest_for(algorithm()), nullptr, key_.get()) == 1;
    if (ok && is_pss(algorithm()))
        ok = EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1;
    std::size_t size = 0;
    ok = ok && EVP_DigestSign(context.get(), nullptr, &size, bytes, input.size()) == 1;
    std::vector<unsigned char, detail::wiping_allocator<unsigned char>> output(size);
    ok = ok && EVP_DigestSign(context.get(), output.data(), &size, bytes, input.size()) == 1;
    secret signature;
    // Without memory OpenSSL 3.0 reports success for ECDSA, with a size of 0 or -1 bytes.
    if (ok && size <= output.size())
        signature = secret(std::string_view(reinterpret_cast<char const*>(output.data()), size));
    if (!signature.empty() && coordinate_size(algorithm()) != 0)
        signature = ecdsa_der_to_raw(signature.view(), algorithm());
    if (signature.empty())
        return pem_error("the key could not sign by " + std::string(to_string(algorithm())));
    return signature;
}

} // namespace coauth::crypto
