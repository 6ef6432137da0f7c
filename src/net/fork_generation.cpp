#include "net/fork_generation.hpp"

#include <atomic>
#include <pthread.h>

namespace coauth::net
{
namespace
{

std::atomic<unsigned> generation{0};

void count_fork() noexcept
{
    ++generation;
}

} // namespace

unsigned current_fork_generation() noexcept
{
    static int const registered = ::pthread_atfork(nullptr, nullptr, count_fork);
    (void)registered;
    return generation.load(std::memory_order_relaxed);
}

} // namespace coauth::net
