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
bool succeed = false;
int hanging = 0;
int lookup_count = 0;

// Waits while lookups hang. Returns the address, or null if there is none.
char const* look_up()
{
    std::unique_lock lock(mutex);
    ++lookup_count;
    ++hanging;
    changed.notify_all();
    changed.wait(lock, [] { return !hang; });
    --hanging;
    return succeed ? "127.0.0.1" : nullptr;
}

void set_success(bool value)
{
    std::lock_guard const lock(mutex);
    succeed = value;
}

} // namespace

extern "C" int
getaddrinfo(char const* node, char const* service, addrinfo const* hints, addrinfo** found)
{
    if (node != nullptr && std::string_view(node) == test::hanging_lookup::host)
    {
        node = look_up();
        if (node == nullptr)
            return EAI_AGAIN;
    }
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
    lookup_count = 0;
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

int hanging_lookup::lookups()
{
    std::lock_guard const lock(mutex);
    return lookup_count;
}

successful_lookup::successful_lookup()
{
    set_success(true);
}

successful_lookup::~successful_lookup()
{
    set_success(false);
}

} // namespace test
