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

// Those who were taken out of a list together, first come first.
class waiter_batch
{
public:
    waiter_batch() = default;
    // Of one that is in no list.
    explicit waiter_batch(waiter_base& who) : first_(&who), size_(1) { who.next_ = nullptr; }
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

    // Null: there is none left.
    waiter_base* pop() noexcept
    {
        waiter_base* const taken = first_;
        if (taken == nullptr)
            return nullptr;
        first_ = taken->next_;
        --size_;
        return taken;
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

private:
    friend class waiter_list;
    waiter_batch(waiter_base* first, std::size_t size) : first_(first), size_(size) {}

    waiter_base* first_ = nullptr;
    std::size_t size_ = 0;
};

// Those who wait, first come first; and which of them has to go next.
class waiter_list
{
public:
    waiter_list() = default;
    waiter_list(waiter_list const&) = delete;
    waiter_list& operator=(waiter_list const&) = delete;
    ~waiter_list() = default;

    // May throw `std::bad_alloc`, and only for a waiter with a limit; it is then not in the list.
    void push(waiter_base& who);
    // False: it is not in the list. Looks at nothing that a chain changes.
    bool remove(waiter_base& who) noexcept;
    // The next one whose limit has come, taken out; null: there is none.
    waiter_base* pop_expired(waiter_base::time_point now) noexcept;
    waiter_batch take_all() noexcept;

    [[nodiscard]] std::optional<waiter_base::time_point> next_limit() const noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

private:
    void unlink(waiter_base& who) noexcept;
    void place(std::size_t at, waiter_base* who) noexcept;
    void sift_up(std::size_t at) noexcept;
    void sift_down(std::size_t at) noexcept;

    waiter_base* first_ = nullptr;
    waiter_base* last_ = nullptr;
    std::size_t size_ = 0;
    std::uint64_t generation_ = 1;
    // A binary heap of those with a limit, the next one first.
    std::vector<waiter_base*> limits_;
};

} // namespace coauth::policy

#endif
