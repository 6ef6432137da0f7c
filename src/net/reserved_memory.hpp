#ifndef COAUTH_SRC_NET_RESERVED_MEMORY_HPP
#define COAUTH_SRC_NET_RESERVED_MEMORY_HPP

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace coauth::net
{

// Memory reserved in advance for one allocation at a time. A second or a larger allocation uses the
// heap.
class reserved_memory
{
public:
    void* allocate(std::size_t size)
    {
        if (used_ || size > sizeof(bytes_))
            return ::operator new(size);
        used_ = true;
        return static_cast<void*>(bytes_);
    }
    void deallocate(void* memory) noexcept
    {
        if (memory == static_cast<void*>(bytes_))
            used_ = false;
        else
            ::operator delete(memory);
    }

private:
    alignas(std::max_align_t) std::byte bytes_[384];
    bool used_ = false;
};

template <class T>
class reserved_allocator
{
public:
    using value_type = T;

    explicit reserved_allocator(std::shared_ptr<reserved_memory> from) noexcept
        : from_(std::move(from))
    {
    }
    // Copied, never moved: Asio asks a moved-from handler for its allocator.
    reserved_allocator(reserved_allocator const&) noexcept = default;
    template <class U>
    reserved_allocator(reserved_allocator<U> const& other) noexcept : from_(other.from_)
    {
    }
    reserved_allocator& operator=(reserved_allocator const&) noexcept = default;
    ~reserved_allocator() = default;

    T* allocate(std::size_t count) { return static_cast<T*>(from_->allocate(count * sizeof(T))); }
    void deallocate(T* memory, std::size_t) noexcept { from_->deallocate(memory); }
    friend bool operator==(reserved_allocator const& a, reserved_allocator const& b) noexcept
    {
        return a.from_ == b.from_;
    }

private:
    template <class U>
    friend class reserved_allocator;
    std::shared_ptr<reserved_memory> from_;
};

} // namespace coauth::net

#endif
