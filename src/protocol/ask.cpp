#include "protocol/ask.hpp"

#include "refuse.hpp"

#include <new>

namespace coauth::protocol
{

result<secret> ask(secret_function const& function, std::string_view what)
{
    try
    {
        return function();
    }
    catch (std::bad_alloc const&)
    {
        return error(errc::out_of_memory);
    }
    catch (...)
    {
        return detail::refuse(
            "the function that gives the " + std::string(what) + " threw an exception");
    }
}

} // namespace coauth::protocol
