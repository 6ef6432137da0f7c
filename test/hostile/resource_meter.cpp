#include "resource_meter.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <dlfcn.h>
#include <malloc.h>
#include <new>
#include <sys/socket.h>

namespace test
{

namespace
{

thread_local std::ptrdiff_t allocated = 0;
thread_local std::ptrdiff_t peak = 0;
thread_local std::size_t received = 0;
thread_local std::size_t sent = 0;

std::ptrdiff_t size_of(void* block)
{
    return static_cast<std::ptrdiff_t>(::malloc_usable_size(block));
}

void* count_allocation(void* block)
{
    allocated += size_of(block);
    peak = std::max(peak, allocated);
    return block;
}

void* allocate(std::size_t size)
{
    return count_allocation(std::malloc(size == 0 ? 1 : size));
}

void release(void* block)
{
    allocated -= size_of(block);
    std::free(block);
}

void* allocate_for_openssl(std::size_t size, char const*, int)
{
    return allocate(size);
}

void* reallocate_for_openssl(void* old, std::size_t size, char const*, int)
{
    auto const before = size_of(old);
    void* const moved = std::realloc(old, size);
    if (moved != nullptr)
    {
        allocated -= before;
        count_allocation(moved);
    }
    return moved;
}

void release_for_openssl(void* block, char const*, int)
{
    release(block);
}

// Must run before OpenSSL allocates anything.
[[maybe_unused]] int const installed =
    CRYPTO_set_mem_functions(allocate_for_openssl, reallocate_for_openssl, release_for_openssl);

std::chrono::nanoseconds cpu_time_of_thread()
{
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

template <class Function>
Function* next(char const* name)
{
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

ssize_t count_received(ssize_t size)
{
    received += static_cast<std::size_t>(std::max<ssize_t>(size, 0));
    return size;
}

} // namespace

resource_meter::resource_meter()
    : allocated_(allocated)
    , bytes_(received)
    , sends_(sent)
    , cpu_time_(cpu_time_of_thread())
{
    peak = allocated;
}

std::size_t resource_meter::memory() const
{
    return static_cast<std::size_t>(peak - allocated_);
}

std::size_t resource_meter::bytes() const
{
    return received - bytes_;
}

std::size_t resource_meter::sends() const
{
    return sent - sends_;
}

std::chrono::nanoseconds resource_meter::cpu_time() const
{
    return cpu_time_of_thread() - cpu_time_;
}

} // namespace test

void* operator new(std::size_t size)
{
    if (void* const moved = test::allocate(size))
        return moved;
    throw std::bad_alloc();
}
void operator delete(void* old) noexcept
{
    test::release(old);
}
void operator delete(void* old, std::size_t) noexcept
{
    test::release(old);
}
extern "C" ssize_t recv(int socket, void* into, std::size_t size, int flags)
{
    static auto* const libc = test::next<ssize_t(int, void*, std::size_t, int)>("recv");
    return test::count_received(libc(socket, into, size, flags));
}
extern "C" ssize_t send(int socket, void const* data, std::size_t size, int flags)
{
    static auto* const libc = test::next<ssize_t(int, void const*, std::size_t, int)>("send");
    ++test::sent;
    return libc(socket, data, size, flags);
}
extern "C" ssize_t recvmsg(int socket, msghdr* message, int flags)
{
    static auto* const libc = test::next<ssize_t(int, msghdr*, int)>("recvmsg");
    return test::count_received(libc(socket, message, flags));
}
