#ifndef COAUTH_TEST_SUPPORT_HANGING_LOOKUP_HPP
#define COAUTH_TEST_SUPPORT_HANGING_LOOKUP_HPP

namespace test
{

// While it lives, lookups of this name hang: the program's getaddrinfo replaces that of the C
// library. One at a time.
class hanging_lookup
{
public:
    static constexpr char const* host = "hangs.test";

    hanging_lookup();
    ~hanging_lookup();
    hanging_lookup(hanging_lookup const&) = delete;
    hanging_lookup& operator=(hanging_lookup const&) = delete;

    // Waits until a lookup hangs. False: none did within ten seconds.
    [[nodiscard]] static bool wait();
    // Number of lookups of the name since the last hanging_lookup was made.
    [[nodiscard]] static int lookups();
};

// While it lives, the name has a loopback address. Otherwise its lookup fails.
class successful_lookup
{
public:
    successful_lookup();
    ~successful_lookup();
    successful_lookup(successful_lookup const&) = delete;
    successful_lookup& operator=(successful_lookup const&) = delete;
};

} // namespace test

#endif
