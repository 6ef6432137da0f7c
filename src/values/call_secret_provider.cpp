#include "values/call_secret_provider.hpp"

#include "values/make_error.hpp"

#include <new>
#include <string>
#include <utility>

namespace coauth::detail
{

result<secret> call_secret_provider(secret_provider const& provider, std::string_view subject)
{
    std::string const name(subject);
    try
    {
        auto value = provider();
        if (value)
            return value;
        auto info = value.error().info();
        info.context = "the " + name + " cannot be obtained" +
                       (info.context.empty() ? "" : ": " + info.context);
        return error(value.error().value(), std::move(info));
    }
    catch (std::bad_alloc const&)
    {
        return error(errc::out_of_memory);
    }
    catch (...)
    {
        return config_error("the function that returns the " + name + " threw an exception");
    }
}

} // namespace coauth::detail
