// A preloaded library that counts allocations. The program reads `bench_allocations`.

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace
{

std::atomic<std::uint64_t> count = 0;

void* counted(void* memory)
{
    count.fetch_add(1, std::memory_order_relaxed);
    return memory;
}

} // namespace

extern "C"
{
    // glibc's internal names of the functions that this library replaces.
    void* __libc_malloc(std::size_t size);
    void* __libc_calloc(std::size_t number, std::size_t size);
    void* __libc_realloc(void* memory, std::size_t size);
    void* __libc_memalign(std::size_t alignment, std::size_t size);

    void* malloc(std::size_t size)
    {
        return counted(__libc_malloc(size));
    }
    void* calloc(std::size_t number, std::size_t size)
    {
        return counted(__libc_calloc(number, size));
    }
    void* realloc(void* memory, std::size_t size)
    {
        return counted(__libc_realloc(memory, size));
    }

    // Asio's.
    void* aligned_alloc(std::size_t alignment, std::size_t size)
    {
        return counted(__libc_memalign(alignment, size));
    }

    std::uint64_t bench_allocations()
    {
        return count.load(std::memory_order_relaxed);
    }
}
