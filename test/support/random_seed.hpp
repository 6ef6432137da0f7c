#ifndef COAUTH_TEST_SUPPORT_RANDOM_SEED_HPP
#define COAUTH_TEST_SUPPORT_RANDOM_SEED_HPP

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>

namespace test
{

inline std::uint64_t from_environment(char const* variable, std::uint64_t otherwise)
{
    char const* const given = std::getenv(variable);
    return given != nullptr ? std::strtoull(given, nullptr, 10) : otherwise;
}

// What all random numbers of a test follow from. It is printed; COAUTH_SEED=n yields that one
// again.
inline std::uint64_t choose_seed()
{
    auto const seed = from_environment("COAUTH_SEED", std::random_device{}());
    std::cout << "COAUTH_SEED=" << seed << std::endl;
    return seed;
}

} // namespace test

#endif
