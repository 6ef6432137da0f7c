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

// An operation in a `policy::waiter_list`, with the links of the list, so that waiting allocates
// nothing.
class waiter_base
{
public:
    using time_point = std::chrono::steady_clock::time_point;
    static constexpr time_point no_limit = time_point::max();

    // When the wait times out.
    time_point limit = no_limit;

protected:
    waiter_base() = default;
    ~waiter_base() = default;

private:
    friend class policy::waiter_list;
    friend class policy::waiter_batch;
    waiter_base* previous_ = nullptr;
    waiter_base* next_ = nullptr;
    // The index in the heap of time limits.
    std::size_t heap_index_ = 0;
    // The generation of the list that it is in. 0: it is in no list.
    std::uint64_t generation_ = 0;
};

} // namespace coauth::detail

#endif
