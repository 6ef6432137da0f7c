#include "hanging_lookup.hpp"

#include <chrono>
#include <condition_variable>
#include <dlfcn.h>
#include <mutex>
#include <netdb.h>
#include <string_view>

namespace
{

std::mutex mutex;
std::condition_variable changed;
bool hang = false;
int hanging = 0;

int hang_and_fail()
{
    std::unique_lock lock(mutex);
    ++hanging;
    changed.notify_all();
    changed.wait(lock, [] { return !hang; });
    --hanging;
    return EAI_AGAIN;
}

} // namespace

extern "C" int
getaddrinfo(char const* node, char const* service, addrinfo const* hints, addrinfo** found)
{
    if (node != nullptr && std::string_view(node) == test::hanging_lookup::host)
        return hang_and_fail();
    using function = int (*)(char const*, char const*, addrinfo const*, addrinfo**);
    static auto const next = reinterpret_cast<function>(dlsym(RTLD_NEXT, "getaddrinfo"));
    return next(node, service, hints, found);
}

namespace test
{

hanging_lookup::hanging_lookup()
{
    std::lock_guard const lock(mutex);
    hang = true;
}

hanging_lookup::~hanging_lookup()
{
    std::lock_guard const lock(mutex);
    hang = false;
    changed.notify_all();
}

bool hanging_lookup::wait()
{
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(10), [] { return hanging != 0; });
}

} // namespace test
