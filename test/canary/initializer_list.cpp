// An initializer list in the awaited expression does not compile.
#include "awaitable.hpp"

#include <vector>

awaitable<int> count(std::vector<std::string> v)
{
    co_return int(v.size());
}

awaitable<int> test()
{
    int const n = co_await count({"a", "b"});
    co_return n;
}

int main()
{
    return test().run() == 2 ? 0 : 1;
}
