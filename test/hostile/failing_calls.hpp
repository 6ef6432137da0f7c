#ifndef COAUTH_TEST_HOSTILE_FAILING_CALLS_HPP
#define COAUTH_TEST_HOSTILE_FAILING_CALLS_HPP

#include <cstddef>

namespace test
{

// Of the system calls for sockets and for waiting that this thread makes while this lives, the n-th
// fails, counted from 1.
class failing_call
{
public:
    explicit failing_call(std::size_t n);
    ~failing_call();
    failing_call(failing_call const&) = delete;
    failing_call& operator=(failing_call const&) = delete;

    // The one that failed; null: it did not come so far.
    [[nodiscard]] char const* which() const;
};

} // namespace test

#endif
