#ifndef COAUTH_SRC_CRYPTO_OPENSSL_ERROR_HPP
#define COAUTH_SRC_CRYPTO_OPENSSL_ERROR_HPP

#include <openssl/err.h>

#include <cerrno>
#include <new>

// Detects whether OpenSSL failed for lack of memory. Its error queue often names another reason or
// none, but `malloc` sets errno.
namespace coauth::crypto
{

// Call it before an OpenSSL function: errors of earlier calls on this thread would be taken for
// errors of this one.
inline void clear_errors() noexcept
{
    errno = 0;
    // Peeking first is much cheaper.
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

// Call it after an OpenSSL function failed. Empties the error queue.
inline bool is_out_of_memory() noexcept
{
    bool out_of_memory = errno == ENOMEM;
    while (auto const code = ERR_get_error())
        out_of_memory = out_of_memory || ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE;
    return out_of_memory;
}

inline void throw_if_out_of_memory()
{
    if (is_out_of_memory())
        throw std::bad_alloc();
}

} // namespace coauth::crypto

#endif
