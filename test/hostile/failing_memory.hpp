#ifndef COAUTH_TEST_HOSTILE_FAILING_MEMORY_HPP
#define COAUTH_TEST_HOSTILE_FAILING_MEMORY_HPP

#include <cstddef>
#include <functional>
#include <limits>

namespace test
{

// While it lives, the n-th allocation of this thread by C++, Asio or OpenSSL fails, counted from 1,
// and the following ones up to `count` in total.
class failing_allocation
{
public:
    static constexpr std::size_t all = std::numeric_limits<std::size_t>::max();

    explicit failing_allocation(std::size_t n, std::size_t count = 1);
    ~failing_allocation();
    failing_allocation(failing_allocation const&) = delete;
    failing_allocation& operator=(failing_allocation const&) = delete;

    // False: there were fewer allocations.
    [[nodiscard]] bool happened() const;
};

// While it lives, the n-th of these allocations calls a function first.
class allocation_hook
{
public:
    allocation_hook(std::size_t n, std::function<void()> call);
    ~allocation_hook();
    allocation_hook(allocation_hook const&) = delete;
    allocation_hook& operator=(allocation_hook const&) = delete;

    [[nodiscard]] bool happened() const;

private:
    std::function<void()> call_;
};

} // namespace test

#endif
