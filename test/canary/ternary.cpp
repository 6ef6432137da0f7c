// `condition ? named : temporary` as an argument.
#include "awaitable.hpp"

awaitable<int> length(std::string s)
{
    co_return int(s.size());
}

awaitable<int> test(bool other)
{
    std::string const named = long_text;
    int const n = co_await length(other ? named : std::string(long_text));
    co_return n;
}

int main()
{
    return test(false).run() > 0 && test(true).run() > 0 ? 0 : 1;
}
