// The forms that the rules recommend.
#include "awaitable.hpp"

class request
{
public:
    request() {}
    request& text(std::string t) &
    {
        text_ = std::move(t);
        return *this;
    }
    request&& text(std::string t) && { return std::move(this->text(std::move(t))); }
    std::string text_;
};

request make()
{
    return request().text(long_text);
}

awaitable<bool> yes()
{
    co_return true;
}
awaitable<int> length(request r)
{
    co_return int(r.text_.size());
}

awaitable<int> test()
{
    bool const ok = co_await yes();
    if (!ok)
        co_return 0;
    int const constructed = co_await length(request());
    int const chained = co_await length(request().text(long_text));
    int const returned = co_await length(make());
    request named;
    named.text(long_text);
    int const moved = co_await length(std::move(named));
    co_return constructed == 0 && chained > 0 && returned > 0 && moved > 0;
}

int main()
{
    return test().run() == 1 ? 0 : 1;
}
