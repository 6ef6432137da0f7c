#ifndef COAUTH_SRC_VALUES_MAKE_ERROR_HPP
#define COAUTH_SRC_VALUES_MAKE_ERROR_HPP

#include <coauth/error.hpp>

#include <exception>
#include <new>
#include <string>
#include <utility>

namespace coauth::detail
{

inline error make_error(errc code, std::string context)
{
    error_info info;
    info.context = std::move(context);
    return {code, std::move(info)};
}

// What the configuration holds.
inline error config_error(std::string context)
{
    return make_error(errc::invalid_configuration, std::move(context));
}

// What a request asks for.
inline error parameter_error(std::string context)
{
    return make_error(errc::invalid_parameter, std::move(context));
}

// What was thrown, as an error.
inline error error_of(std::exception_ptr const& thrown) noexcept
{
    try
    {
        std::rethrow_exception(thrown);
    }
    catch (std::bad_alloc const&)
    {
        return errc::out_of_memory;
    }
    catch (std::exception const& what)
    {
        try
        {
            return make_error(errc::internal_error, what.what());
        }
        catch (...) // without memory the code has to do
        {
            return errc::internal_error;
        }
    }
    catch (...)
    {
        return errc::internal_error;
    }
}

} // namespace coauth::detail

#endif
