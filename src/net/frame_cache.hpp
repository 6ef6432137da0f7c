#ifndef COAUTH_SRC_NET_FRAME_CACHE_HPP
#define COAUTH_SRC_NET_FRAME_CACHE_HPP

#include <array>
#include <cstddef>
#include <new>
#include <utility>

namespace coauth::net
{

// The memory of coroutine frames. Each thread keeps that of the last ones: an operation has five
// frames, of the same sizes as the next. Asio's recycling allocator would keep two, and allocate
// the others with an alignment that they do not need.
class frame_cache
{
public:
    static void* allocate(std::size_t size)
    {
        void* const kept = is_gone_ ? nullptr : of_this_thread().take(size);
        return kept != nullptr ? kept : ::operator new(size);
    }
    static void deallocate(void* frame, std::size_t size) noexcept
    {
        ::operator delete(is_gone_ ? frame : of_this_thread().put(frame, size));
    }

    ~frame_cache()
    {
        is_gone_ = true;
        for (auto const& one : blocks_)
            ::operator delete(one.memory);
    }
    frame_cache(frame_cache const&) = delete;
    frame_cache& operator=(frame_cache const&) = delete;

private:
    struct block
    {
        void* memory = nullptr;
        std::size_t size = 0;
    };

    frame_cache() = default;
    static frame_cache& of_this_thread() noexcept
    {
        static thread_local frame_cache cache;
        return cache;
    }

    // Null: there is none of this size.
    void* take(std::size_t size) noexcept
    {
        for (auto& one : blocks_)
            if (one.size == size)
                return std::exchange(one, block()).memory;
        return nullptr;
    }
    // Returns the one that is kept no more.
    void* put(void* frame, std::size_t size) noexcept
    {
        return std::exchange(blocks_[next_++ % blocks_.size()], {frame, size}).memory;
    }

    std::array<block, 8> blocks_ = {};
    std::size_t next_ = 0;
    // A frame may be freed later than the cache, when the thread ends.
    static inline thread_local bool is_gone_ = false;
};

} // namespace coauth::net

#endif
