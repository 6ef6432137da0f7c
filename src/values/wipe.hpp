#ifndef COAUTH_SRC_VALUES_WIPE_HPP
#define COAUTH_SRC_VALUES_WIPE_HPP

#include <coauth/export.hpp>

#include <cstddef>
#include <memory>
#include <string>

namespace coauth::detail
{

// Overwrites `size` bytes at `data`. The compiler does not optimize this away.
COAUTH_DECL void wipe(void* data, std::size_t size) noexcept;

// Overwrites the characters of `text`, also those in its inline buffer, and empties it.
void wipe(std::string& text) noexcept;

// An allocator that overwrites memory before it releases it: for memory that holds a secret.
template <class T>
struct wiping_allocator
{
    using value_type = T;

    wiping_allocator() = default;
    template <class U>
    constexpr wiping_allocator(wiping_allocator<U> const&) noexcept
    {
    }

    [[nodiscard]] T* allocate(std::size_t n) { return std::allocator<T>().allocate(n); }
    void deallocate(T* p, std::size_t n) noexcept
    {
        wipe(p, n * sizeof(T));
        std::allocator<T>().deallocate(p, n);
    }

    friend bool operator==(wiping_allocator, wiping_allocator) noexcept { return true; }
};

} // namespace coauth::detail

#endif
