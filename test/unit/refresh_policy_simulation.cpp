// Random operations on a refresh policy, weeks of simulated time.
//
// The random numbers follow from one seed, which is printed; COAUTH_SEED=n uses that one again.
// COAUTH_OPERATIONS=n makes more or fewer operations.

#include "refresh_simulation.hpp"
#include "support.hpp"

#include <cstdlib>
#include <iostream>
#include <random>

using namespace test;

BOOST_AUTO_TEST_SUITE(refresh_policy_simulation)

namespace
{

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
constexpr std::uint64_t default_operations = 500'000;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr std::uint64_t default_operations = 500'000;
#else
constexpr std::uint64_t default_operations = 12'000'000;
#endif
#else
constexpr std::uint64_t default_operations = 12'000'000;
#endif

std::uint64_t from_environment(char const* name, std::uint64_t fallback)
{
    char const* const value = std::getenv(name);
    return value != nullptr ? std::strtoull(value, nullptr, 10) : fallback;
}

class seeded_rng
{
public:
    explicit seeded_rng(std::uint64_t seed) : random_(seed) {}

    std::uint64_t below(std::uint64_t n) { return random_() % n; }
    double fraction() { return std::uniform_real_distribution<double>(0, 1)(random_); }

private:
    std::mt19937_64 random_;
};

} // namespace

BOOST_AUTO_TEST_CASE(random_operations_keep_the_invariants_of_the_refresh_policy)
{
    auto const seed = from_environment("COAUTH_SEED", std::random_device{}());
    auto const operations = from_environment("COAUTH_OPERATIONS", default_operations);
    constexpr std::uint64_t per_simulation = 20'000;
    std::cout << "COAUTH_SEED=" << seed << " COAUTH_OPERATIONS=" << operations << std::endl;
    std::uint64_t fetches = 0;
    std::uint64_t served = 0;
    std::chrono::duration<double, std::ratio<604'800>> weeks{};
    for (std::uint64_t done = 0; done < operations; done += per_simulation)
    {
        refresh_simulation<seeded_rng> tested(seeded_rng(seed + done));
        std::uint64_t step = 0;
        try
        {
            for (; step < per_simulation; ++step)
                tested.step();
            tested.close();
        }
        catch (invariant_violated const& violated)
        {
            BOOST_FAIL(
                "violated: " << violated.what() << " (COAUTH_SEED=" << seed << ", simulation "
                             << done / per_simulation << ", step " << step << ")");
        }
        fetches += tested.fetches;
        served += tested.served;
        weeks += tested.simulated();
    }
    std::cout << fetches << " fetches, " << served << " tokens served, " << weeks.count()
              << " weeks simulated" << std::endl;
    // Otherwise the simulation does not reach what it tests.
    BOOST_TEST(fetches > operations / 100);
    BOOST_TEST(served > operations / 20);
    BOOST_TEST(weeks.count() > 2);
}

BOOST_AUTO_TEST_SUITE_END()
