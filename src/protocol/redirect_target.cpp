#include "protocol/redirect_target.hpp"

#include "protocol/trim.hpp"
#include "values/encoding.hpp"

#include <algorithm>

namespace coauth::protocol
{
namespace
{

std::string_view host_of(std::string_view request)
{
    constexpr std::string_view field = "\r\nHost: ";
    auto const begin = request.find(field);
    if (begin == std::string_view::npos)
        return {};
    auto const value = request.substr(begin + field.size());
    return value.substr(0, value.find("\r\n"));
}

std::string_view path_of(std::string_view request)
{
    auto const target = request.substr(std::min(request.size(), request.find(' ') + 1));
    return target.substr(0, target.find_first_of(" ?#"));
}

// The length of the scheme of an absolute URI; 0: the location is relative.
std::size_t scheme_size(std::string_view location)
{
    auto const colon = location.find(':');
    if (colon == std::string_view::npos || location.find_first_of("/?#") < colon)
        return 0;
    return colon;
}

} // namespace

std::string redirect_target(
    std::string_view location, std::string_view request, std::string_view request_scheme)
{
    location = trim(location);
    if (location.empty())
        return {};
    location = location.substr(0, location.find_first_of("?#"));
    std::string scheme(request_scheme);
    if (auto const size = scheme_size(location); size != 0)
    {
        scheme.clear();
        for (char const c : location.substr(0, size))
            scheme += detail::lower(c);
        location.remove_prefix(size + 1);
        if (!location.starts_with("//"))
            return {};
    }
    if (scheme != "http" && scheme != "https")
        return {};
    std::string_view host = host_of(request);
    if (location.starts_with("//"))
    {
        location.remove_prefix(2);
        host = location.substr(0, location.find('/'));
        location.remove_prefix(host.size());
        host.remove_prefix(host.rfind('@') + 1);
    }
    else if (!location.starts_with('/'))
    {
        // Relative to the last slash of the request's path.
        auto const path = path_of(request);
        auto const directory = path.substr(0, path.rfind('/') + 1);
        if (host.empty())
            return {};
        return scheme + "://" + std::string(host) +
               (location.empty() ? std::string(path) : std::string(directory).append(location));
    }
    if (host.empty())
        return {};
    auto const path = location.empty() ? std::string_view("/") : location;
    return scheme + "://" + std::string(host) + std::string(path);
}

} // namespace coauth::protocol
