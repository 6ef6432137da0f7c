#ifndef COAUTH_SRC_POLICY_WAITER_LIST_HPP
#define COAUTH_SRC_POLICY_WAITER_LIST_HPP

#include <coauth/detail/waiter.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace coauth::policy
{

// Those who were taken out of a list together, first come first.
class waiter_batch
{
public:
    waiter_batch() = default;
    // Of one that is in no list.
    explicit waiter_batch(waiter& who) : first_(&who), size_(1) { who.next_ = nullptr; }
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
    waiter* pop() noexcept
    {
        waiter* const taken = first_;
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
    waiter_batch(waiter* first, std::size_t size) : first_(first), size_(size) {}

    waiter* first_ = nullptr;
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
    void push(waiter& who);
    // False: it is not in the list. Looks at nothing that a chain changes.
    bool remove(waiter& who) noexcept;
    // The next one whose limit has come, taken out; null: there is none.
    waiter* pop_expired(waiter::time_point now) noexcept;
    waiter_batch take_all() noexcept;

    [[nodiscard]] std::optional<waiter::time_point> next_limit() const noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

private:
    void unlink(waiter& who) noexcept;
    void place(std::size_t at, waiter* who) noexcept;
    void sift_up(std::size_t at) noexcept;
    void sift_down(std::size_t at) noexcept;

    waiter* first_ = nullptr;
    waiter* last_ = nullptr;
    std::size_t size_ = 0;
    std::uint64_t round_ = 1;
    // A binary heap of those with a limit, the next one first.
    std::vector<waiter*> limits_;
};

} // namespace coauth::policy

#endif
