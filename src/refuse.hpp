#ifndef COAUTH_SRC_REFUSE_HPP
#define COAUTH_SRC_REFUSE_HPP

#include <coauth/error.hpp>

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

} // namespace coauth::detail

#endif
