#ifndef COAUTH_SRC_REFUSE_HPP
#define COAUTH_SRC_REFUSE_HPP

#include <coauth/error.hpp>

#include <exception>
#include <new>
#include <string>
#include <utility>

namespace coauth::detail
{

inline error refuse(errc code, std::string context)
{
    error_info info;
    info.context = std::move(context);
    return {code, std::move(info)};
}

// What the configuration holds.
inline error refuse(std::string context)
{
    return refuse(errc::invalid_configuration, std::move(context));
}

// What a request asks for.
inline error refuse_parameter(std::string context)
{
    return refuse(errc::invalid_parameter, std::move(context));
}

// What was thrown, in a handler of it.
inline error error_of_exception() noexcept
{
    try
    {
        try
        {
            throw;
        }
        catch (std::bad_alloc const&)
        {
            return errc::out_of_memory;
        }
        catch (std::exception const& thrown)
        {
            return refuse(errc::internal_error, thrown.what());
        }
        catch (...)
        {
            return errc::internal_error;
        }
    }
    catch (...)
    {
        return errc::out_of_memory;
    }
}

} // namespace coauth::detail

#endif
