#include "failing_memory.hpp"

#include <openssl/crypto.h>

#include <cerrno>
#include <cstdlib>
#include <new>

namespace test
{

namespace
{

// 0: none fails any more.
thread_local std::size_t left = 0;

bool fails_now()
{
    if (left == 0 || --left != 0)
        return false;
    // As malloc does.
    errno = ENOMEM;
    return true;
}

void* allocate(std::size_t size, char const*, int)
{
    return fails_now() ? nullptr : std::malloc(size);
}

void* reallocate(void* old, std::size_t size, char const*, int)
{
    return fails_now() ? nullptr : std::realloc(old, size);
}

void release(void* old, char const*, int)
{
    std::free(old);
}

// Before OpenSSL allocates anything.
[[maybe_unused]] int const installed = CRYPTO_set_mem_functions(allocate, reallocate, release);

} // namespace

failing_allocation::failing_allocation(std::size_t n)
{
    left = n;
}

failing_allocation::~failing_allocation()
{
    left = 0;
}

bool failing_allocation::happened() const
{
    return left == 0;
}

void* allocate_or_throw(std::size_t size)
{
    void* const made = fails_now() ? nullptr : std::malloc(size == 0 ? 1 : size);
    if (made == nullptr)
        throw std::bad_alloc();
    return made;
}

} // namespace test

void* operator new(std::size_t size)
{
    return test::allocate_or_throw(size);
}
// Asio's own way.
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept
{
    void* made = nullptr;
    if (test::fails_now() || posix_memalign(&made, alignment, size) != 0)
        return nullptr;
    return made;
}
void operator delete(void* old) noexcept
{
    std::free(old);
}
void operator delete(void* old, std::size_t) noexcept
{
    std::free(old);
}
