#include "crypto/private_key.hpp"

#include "crypto/algorithm_digest.hpp"
#include "crypto/ecdsa_signature.hpp"
#include "crypto/openssl_error.hpp"
#include "crypto/pem.hpp"
#include "values/wipe.hpp"

#include <vector>

namespace coauth::crypto
{

result<secret> private_key::sign(std::string_view input) const
{
    clear_errors();
    openssl_ptr<EVP_MD_CTX> const context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* options = nullptr;
    auto const* const bytes = reinterpret_cast<unsigned char const*>(input.data());
    bool ok = context && key_ &&
              EVP_DigestSignInit(
                  context.get(), &options, digest_for(algorithm()), nullptr, key_.get()) == 1;
    ok = ok && set_padding(algorithm(), options);
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
