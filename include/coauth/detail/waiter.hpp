#ifndef COAUTH_DETAIL_WAITER_HPP
#define COAUTH_DETAIL_WAITER_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace coauth::policy
{

// Somebody who waits. Links itself into a list: no allocation.
class waiter
{
public:
    using time_point = std::chrono::steady_clock::time_point;
    static constexpr time_point no_limit = time_point::max();

    // Until when it waits.
    time_point limit = no_limit;

protected:
    waiter() = default;
    ~waiter() = default;

private:
    friend class waiter_list;
    friend class waiter_batch;
    waiter* previous_ = nullptr;
    waiter* next_ = nullptr;
    // In the heap of limits.
    std::size_t place_ = 0;
    // Which filling of the list it is in; 0: none.
    std::uint64_t round_ = 0;
};

} // namespace coauth::policy

#endif
