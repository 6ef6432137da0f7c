#ifndef COAUTH_SRC_CRYPTO_OPENSSL_MEMORY_HPP
#define COAUTH_SRC_CRYPTO_OPENSSL_MEMORY_HPP

#include "crypto/openssl_error.hpp"

namespace coauth
{

inline void forget_failures() noexcept
{
    crypto::clear_errors();
}
inline bool lacked_memory() noexcept
{
    return crypto::is_out_of_memory();
}
inline void throw_if_lacked_memory()
{
    crypto::throw_if_out_of_memory();
}

} // namespace coauth

#endif
