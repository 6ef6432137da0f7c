#include "failing_memory.hpp"

#include <openssl/crypto.h>

#include <cerrno>
#include <cstdlib>
#include <new>
#include <utility>

namespace test
{

namespace
{

// Until something happens; 0: it has.
thread_local std::size_t left = 0;
// How many fail from then on.
thread_local std::size_t fail = 0;
// Called then, if set.
thread_local std::function<void()> const* hook = nullptr;

bool fails_now()
{
    if (left != 0 && --left != 0)
        return false;
    if (auto const* const call = std::exchange(hook, nullptr))
        (*call)();
    if (fail == 0)
        return false;
    fail -= fail == failing_allocation::all ? 0U : 1U;
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

failing_allocation::failing_allocation(std::size_t n, std::size_t count)
{
    left = n;
    fail = count;
}

failing_allocation::~failing_allocation()
{
    left = fail = 0;
}

bool failing_allocation::happened() const
{
    return left == 0;
}

allocation_hook::allocation_hook(std::size_t n, std::function<void()> call) : call_(std::move(call))
{
    left = n;
    hook = &call_;
}

allocation_hook::~allocation_hook()
{
    left = 0;
    hook = nullptr;
}

bool allocation_hook::happened() const
{
    return hook == nullptr;
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
