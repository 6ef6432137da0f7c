#ifndef COAUTH_TEST_SUPPORT_RANDOM_SEED_HPP
#define COAUTH_TEST_SUPPORT_RANDOM_SEED_HPP

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>

namespace test
{

inline std::uint64_t from_environment(char const* variable, std::uint64_t fallback)
{
    char const* const value = std::getenv(variable);
    return value != nullptr ? std::strtoull(value, nullptr, 10) : fallback;
}

// Returns the seed of all random numbers of a test and prints it. COAUTH_SEED=n sets it.
inline std::uint64_t choose_seed()
{
    auto const seed = from_environment("COAUTH_SEED", std::random_device{}());
    std::cout << "COAUTH_SEED=" << seed << std::endl;
    return seed;
}

} // namespace test

#endif
