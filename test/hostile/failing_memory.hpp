#ifndef COAUTH_TEST_HOSTILE_FAILING_MEMORY_HPP
#define COAUTH_TEST_HOSTILE_FAILING_MEMORY_HPP

#include <cstddef>

namespace test
{

// Of the allocations that this thread makes while this lives, by C++, Asio and OpenSSL, the n-th
// fails, counted from 1.
class failing_allocation
{
public:
    explicit failing_allocation(std::size_t n);
    ~failing_allocation();
    failing_allocation(failing_allocation const&) = delete;
    failing_allocation& operator=(failing_allocation const&) = delete;

    // Whether it came so far.
    [[nodiscard]] bool happened() const;
};

} // namespace test

#endif
