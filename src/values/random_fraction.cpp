#include "values/random_fraction.hpp"

#include <chrono>
#include <exception>
#include <random>

namespace coauth::detail
{
namespace
{

unsigned seed() noexcept
{
    try
    {
        return std::random_device()();
    }
    catch (std::exception const&)
    {
        return static_cast<unsigned>(std::chrono::steady_clock::now().time_since_epoch().count());
    }
}

} // namespace

double random_fraction() noexcept
{
    thread_local std::minstd_rand random{seed()};
    return std::uniform_real_distribution<double>(0, 1)(random);
}

} // namespace coauth::detail
