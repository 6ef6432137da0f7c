#include "memory_watch.hpp"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <new>
#include <string_view>

namespace
{

char const* watched = nullptr;
// Threads release blocks at the same time.
std::atomic<std::size_t> found_blocks = 0;
std::atomic<std::size_t> released_blocks = 0;

void* obtain(std::size_t size)
{
    // Zeroed, so that the content of an earlier owner does not count as a leak.
    if (void* p = std::calloc(1, size == 0 ? 1 : size))
        return p;
    throw std::bad_alloc();
}

void release(void* p) noexcept
{
    if (p != nullptr && watched != nullptr)
    {
        ++released_blocks;
        std::string_view const block(static_cast<char*>(p), malloc_usable_size(p));
        if (block.find(watched) != std::string_view::npos)
            ++found_blocks;
    }
    std::free(p);
}

} // namespace

void* operator new(std::size_t size)
{
    return obtain(size);
}

void* operator new[](std::size_t size)
{
    return obtain(size);
}

void* operator new(std::size_t size, std::nothrow_t const&) noexcept
{
    return std::calloc(1, size == 0 ? 1 : size);
}

void operator delete(void* p) noexcept
{
    release(p);
}

void operator delete[](void* p) noexcept
{
    release(p);
}

void operator delete(void* p, std::size_t) noexcept
{
    release(p);
}

void operator delete[](void* p, std::size_t) noexcept
{
    release(p);
}

namespace test
{

memory_watch::memory_watch(char const* needle) noexcept
{
    watched = needle;
    found_blocks = 0;
    released_blocks = 0;
}

memory_watch::~memory_watch()
{
    watched = nullptr;
}

std::size_t memory_watch::found() const noexcept
{
    return found_blocks;
}

std::size_t memory_watch::released() const noexcept
{
    return released_blocks;
}

} // namespace test
