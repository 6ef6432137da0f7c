#ifndef COAUTH_DETAIL_WAITER_BASE_HPP
#define COAUTH_DETAIL_WAITER_BASE_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace coauth::policy
{

class waiter_batch;
class waiter_list;

} // namespace coauth::policy

namespace coauth::detail
{

// The links of an operation in a `policy::waiter_list`: no allocation.
class waiter_base
{
public:
    using time_point = std::chrono::steady_clock::time_point;
    static constexpr time_point no_limit = time_point::max();

    // Until when it waits.
    time_point limit = no_limit;

protected:
    waiter_base() = default;
    ~waiter_base() = default;

private:
    friend class policy::waiter_list;
    friend class policy::waiter_batch;
    waiter_base* previous_ = nullptr;
    waiter_base* next_ = nullptr;
    // In the heap of limits.
    std::size_t place_ = 0;
    // Which filling of the list it is in; 0: none.
    std::uint64_t generation_ = 0;
};

} // namespace coauth::detail

#endif
