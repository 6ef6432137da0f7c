#include "protocol/ask.hpp"

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
        error_info info;
        info.context = "the function that gives the " + std::string(what) + " threw an exception";
        return error(errc::invalid_configuration, std::move(info));
    }
}

} // namespace coauth::protocol
