#ifndef COAUTH_SRC_POLICY_WAITER_LIST_HPP
#define COAUTH_SRC_POLICY_WAITER_LIST_HPP

#include <coauth/detail/waiter_base.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace coauth::policy
{

using detail::waiter_base;

// Waiters removed from a list together, in the order of their arrival.
class waiter_batch
{
public:
    waiter_batch() = default;
    // A batch of one waiter, which is in no list.
    explicit waiter_batch(waiter_base& waiter) : first_(&waiter), size_(1)
    {
        waiter.next_ = nullptr;
    }
    waiter_batch(waiter_batch&& other) noexcept
        : first_(std::exchange(other.first_, nullptr))
        , size_(std::exchange(other.size_, 0))
    {
    }
    waiter_batch& operator=(waiter_batch&& other) noexcept
    {
        std::swap(first_, other.first_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~waiter_batch() = default;

    // Null: the batch is empty.
    waiter_base* pop() noexcept
    {
        waiter_base* const first = first_;
        if (first == nullptr)
            return nullptr;
        first_ = first->next_;
        --size_;
        return first;
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

private:
    friend class waiter_list;
    waiter_batch(waiter_base* first, std::size_t size) : first_(first), size_(size) {}

    waiter_base* first_ = nullptr;
    std::size_t size_ = 0;
};

// Waiters in the order of their arrival, and a heap of their time limits.
class waiter_list
{
public:
    waiter_list() = default;
    waiter_list(waiter_list const&) = delete;
    waiter_list& operator=(waiter_list const&) = delete;
    ~waiter_list() = default;

    // May throw `std::bad_alloc`, and only for a waiter with a limit; it is then not in the list.
    void push(waiter_base& waiter);
    // False: it is not in the list. Reads no member that `waiter_batch` changes.
    bool remove(waiter_base& waiter) noexcept;
    // Removes the waiter whose limit was reached first. Null: none was reached.
    waiter_base* pop_expired(waiter_base::time_point now) noexcept;
    waiter_batch take_all() noexcept;

    [[nodiscard]] std::optional<waiter_base::time_point> next_limit() const noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

private:
    void unlink(waiter_base& waiter) noexcept;
    void set_heap_entry(std::size_t index, waiter_base* waiter) noexcept;
    void sift_up(std::size_t index) noexcept;
    void sift_down(std::size_t index) noexcept;

    waiter_base* first_ = nullptr;
    waiter_base* last_ = nullptr;
    std::size_t size_ = 0;
    std::uint64_t generation_ = 1;
    // A binary heap of the waiters with a limit, the earliest first.
    std::vector<waiter_base*> limits_;
};

} // namespace coauth::policy

#endif
