#include "authentication/dpop_url.hpp"

#include "values/encoding.hpp"

#include <algorithm>

namespace coauth::detail
{
namespace
{

std::string in_lower_case(std::string_view text)
{
    std::string copy(text);
    std::transform(copy.begin(), copy.end(), copy.begin(), lower);
    return copy;
}

bool is_default_port(std::string_view scheme, std::string_view port)
{
    auto const digits = port.substr(std::min(port.find_first_not_of('0'), port.size()));
    return digits.empty() || digits == (scheme == "https" ? "443" : scheme == "http" ? "80" : "");
}

} // namespace

dpop_url parse_dpop_url(std::string_view url)
{
    url = url.substr(0, url.find_first_of("?#"));
    auto const scheme_end = url.find("://");
    if (scheme_end == std::string_view::npos)
        return {std::string(url), std::string(url)};
    auto const scheme = in_lower_case(url.substr(0, scheme_end));
    url.remove_prefix(scheme_end + 3);
    auto authority = url.substr(0, url.find('/'));
    auto const path = url.substr(authority.size());
    if (auto const at = authority.rfind('@'); at != std::string_view::npos)
        authority.remove_prefix(at + 1);
    // A colon within the brackets of an IPv6 address does not begin a port.
    auto const colon = authority.rfind(':');
    auto const bracket = authority.rfind(']');
    bool const has_port =
        colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
    if (has_port && is_default_port(scheme, authority.substr(colon + 1)))
        authority = authority.substr(0, colon);
    auto origin = scheme + "://" + in_lower_case(authority);
    auto htu = origin + (path.empty() ? "/" : std::string(path));
    return {std::move(origin), std::move(htu)};
}

} // namespace coauth::detail
