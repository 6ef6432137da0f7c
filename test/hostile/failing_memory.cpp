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

// Allocations until the failure or the call; 0: it has happened.
thread_local std::size_t allocations_left = 0;
// The number of allocations that fail then.
thread_local std::size_t failures_left = 0;
// Called at that allocation, if set.
thread_local std::function<void()> const* hook = nullptr;

bool fails_now()
{
    if (allocations_left != 0 && --allocations_left != 0)
        return false;
    if (auto const* const call = std::exchange(hook, nullptr))
        (*call)();
    if (failures_left == 0)
        return false;
    failures_left -= failures_left == failing_allocation::all ? 0U : 1U;
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

// Must run before OpenSSL allocates anything.
[[maybe_unused]] int const installed = CRYPTO_set_mem_functions(allocate, reallocate, release);

} // namespace

failing_allocation::failing_allocation(std::size_t n, std::size_t count)
{
    allocations_left = n;
    failures_left = count;
}

failing_allocation::~failing_allocation()
{
    allocations_left = failures_left = 0;
}

bool failing_allocation::happened() const
{
    return allocations_left == 0;
}

allocation_hook::allocation_hook(std::size_t n, std::function<void()> call) : call_(std::move(call))
{
    allocations_left = n;
    hook = &call_;
}

allocation_hook::~allocation_hook()
{
    allocations_left = 0;
    hook = nullptr;
}

bool allocation_hook::happened() const
{
    return hook == nullptr;
}

void* allocate_or_throw(std::size_t size)
{
    void* const block = fails_now() ? nullptr : std::malloc(size == 0 ? 1 : size);
    if (block == nullptr)
        throw std::bad_alloc();
    return block;
}

} // namespace test

void* operator new(std::size_t size)
{
    return test::allocate_or_throw(size);
}
// Asio allocates with it.
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept
{
    void* block = nullptr;
    if (test::fails_now() || posix_memalign(&block, alignment, size) != 0)
        return nullptr;
    return block;
}
void operator delete(void* old) noexcept
{
    std::free(old);
}
void operator delete(void* old, std::size_t) noexcept
{
    std::free(old);
}
