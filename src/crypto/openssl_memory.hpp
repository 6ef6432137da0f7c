#ifndef COAUTH_SRC_CRYPTO_OPENSSL_MEMORY_HPP
#define COAUTH_SRC_CRYPTO_OPENSSL_MEMORY_HPP

#include <openssl/err.h>

#include <cerrno>
#include <new>

// Whether OpenSSL failed because it had no memory. Its list of errors often has another reason for
// that or none at all; but `malloc` says it in errno.
namespace coauth
{

// Before the call: what others left behind on this thread would be taken for its.
inline void forget_failures() noexcept
{
    errno = 0;
    // To look first is much cheaper.
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

// After it; forgets the list.
inline bool lacked_memory() noexcept
{
    bool lacked = errno == ENOMEM;
    while (auto const code = ERR_get_error())
        lacked = lacked || ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE;
    return lacked;
}

// The same, told as everywhere else.
inline void throw_if_lacked_memory()
{
    if (lacked_memory())
        throw std::bad_alloc();
}

} // namespace coauth

#endif
