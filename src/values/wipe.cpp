#include "values/wipe.hpp"

#include <cstring>

namespace coauth::detail
{

void wipe(void* data, std::size_t size) noexcept
{
    if (size == 0)
        return;
    std::memset(data, 0, size);
    // The compiler must assume that the bytes are read.
    asm volatile("" : : "r"(data) : "memory");
}

void wipe(std::string& text) noexcept
{
    // Only characters within the size may be written to.
    text.resize(text.capacity());
    wipe(text.data(), text.size());
    text.clear();
}

} // namespace coauth::detail
