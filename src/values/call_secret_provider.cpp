#include "values/call_secret_provider.hpp"

#include "values/make_error.hpp"

#include <new>
#include <utility>

namespace coauth::protocol
{

result<secret> ask(secret_provider const& function, std::string_view what)
{
    try
    {
        auto given = function();
        if (given)
            return given;
        auto info = given.error().info();
        auto const why = info.context.empty() ? std::string() : ": " + info.context;
        info.context = "the " + std::string(what) + " cannot be had" + why;
        return error(given.error().value(), std::move(info));
    }
    catch (std::bad_alloc const&)
    {
        return error(errc::out_of_memory);
    }
    catch (...)
    {
        return detail::config_error(
            "the function that gives the " + std::string(what) + " threw an exception");
    }
}

} // namespace coauth::protocol
