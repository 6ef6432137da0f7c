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

// An error in the configuration.
inline error config_error(std::string context)
{
    return make_error(errc::invalid_configuration, std::move(context));
}

// An error in the parameters of a request.
inline error parameter_error(std::string context)
{
    return make_error(errc::invalid_parameter, std::move(context));
}

// The error that stands for an exception.
inline error error_of(std::exception_ptr const& exception) noexcept
{
    try
    {
        std::rethrow_exception(exception);
    }
    catch (std::bad_alloc const&)
    {
        return errc::out_of_memory;
    }
    catch (std::exception const& e)
    {
        try
        {
            return make_error(errc::internal_error, e.what());
        }
        catch (...) // no memory for the text: the code alone
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
