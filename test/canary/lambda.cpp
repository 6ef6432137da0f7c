// A capturing lambda temporary in the awaited expression.
#include "awaitable.hpp"

template <class F>
awaitable<int> call(F f)
{
    co_return f();
}

awaitable<int> test()
{
    std::string const text = long_text;
    int const n = co_await call([text] { return int(text.size()); });
    co_return n;
}

int main()
{
    return test().run() > 0 ? 0 : 1;
}
