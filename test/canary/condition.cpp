// No local variable at function scope, and `if (co_await x)`.
#include "awaitable.hpp"

awaitable<bool> yes()
{
    co_return true;
}

awaitable<int> test()
{
    if (co_await yes())
        co_return 1;
    co_return 2;
}

int main()
{
    return test().run() == 1 ? 0 : 1;
}
