// An aggregate temporary in the awaited expression.
#include "awaitable.hpp"

struct options
{
    std::string text;
};

awaitable<int> length(options o)
{
    co_return int(o.text.size());
}

awaitable<int> test()
{
    int const n = co_await length(options{.text = long_text});
    co_return n;
}

int main()
{
    return test().run() > 0 ? 0 : 1;
}
