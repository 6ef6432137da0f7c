#ifndef COAUTH_SRC_CRYPTO_ALGORITHM_DIGEST_HPP
#define COAUTH_SRC_CRYPTO_ALGORITHM_DIGEST_HPP

#include <coauth/signing_key.hpp>

#include <openssl/evp.h>
#include <openssl/rsa.h>

namespace coauth::crypto
{

// The digest of an algorithm's signatures. Null: the algorithm has a digest of its own.
inline EVP_MD const* digest_for(signature_algorithm algorithm)
{
    using enum signature_algorithm;
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

inline bool is_pss(signature_algorithm algorithm)
{
    using enum signature_algorithm;
    return algorithm == ps256 || algorithm == ps384 || algorithm == ps512;
}

// Sets the padding of RSA-PSS. False: the key does not allow it.
inline bool set_padding(signature_algorithm algorithm, EVP_PKEY_CTX* options)
{
    return !is_pss(algorithm) ||
           (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
            EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1);
}

} // namespace coauth::crypto

#endif
