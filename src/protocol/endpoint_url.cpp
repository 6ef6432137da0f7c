#include "protocol/endpoint_url.hpp"

#include "protocol/idn_host.hpp"
#include "values/encoding.hpp"
#include "values/make_error.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

namespace coauth::protocol
{
namespace
{

namespace urls = boost::urls;

// Without the URL, which may contain a password, or bytes that are unfit for a terminal.
error url_error(std::string_view option, std::string_view advice)
{
    return detail::config_error(std::string(option) + " " + std::string(advice));
}

error url_error(std::string_view option, std::string_view url, std::string_view advice)
{
    // A mistyped URL may have user information in an unexpected place.
    if (url.find('@') != std::string_view::npos)
        return url_error(option, advice);
    return detail::config_error(
        std::string(option) + " '" + std::string(url) + "' " + std::string(advice));
}

bool is_loopback(urls::url_view const& url)
{
    if (url.host_type() == urls::host_type::ipv4)
        return url.host_ipv4_address().is_loopback();
    if (url.host_type() == urls::host_type::ipv6)
        return url.host_ipv6_address().is_loopback();
    auto const host = url.encoded_host();
    return std::string_view(host.data(), host.size()) == "localhost";
}

bool is_ip(urls::url_view const& url)
{
    return url.host_type() == urls::host_type::ipv4 || url.host_type() == urls::host_type::ipv6;
}

std::string text(boost::core::string_view part)
{
    return {part.data(), part.size()};
}

// Boost.URL keeps only the low 16 bits of a larger number (until Boost 1.82).
std::optional<std::uint16_t> port_number(std::string_view digits)
{
    std::uint16_t number = 0;
    auto const [end, failure] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (failure != std::errc() || end != digits.data() + digits.size() || number == 0)
        return std::nullopt;
    return number;
}

// Boost.URL parses the host 10.0.0.1.example as the address 10.0.0.1 and a path (until Boost 1.83).
bool has_truncated_host(urls::url_view const& url)
{
    return url.has_authority() && !url.encoded_path().empty() && url.encoded_path().front() != '/';
}

// A letter before such a host makes it a name. `make_endpoint` removes the letter.
constexpr std::size_t name_prefix = 1;

std::string with_name_prefix(std::string_view url)
{
    constexpr std::string_view scheme_end = "://";
    return std::string(url).insert(url.find(scheme_end) + scheme_end.size(), name_prefix, 'h');
}

// The URL without its port; empty if it has none. Releases of Boost.URL after 1.81 do not parse a
// URL with a bad port.
std::string without_port(std::string_view url)
{
    constexpr std::string_view scheme_end = "://";
    auto const scheme = url.find(scheme_end);
    if (scheme == std::string_view::npos)
        return {};
    auto const begin = scheme + scheme_end.size();
    auto const end = std::min(url.find_first_of("/?#", begin), url.size());
    auto const colon = url.substr(0, end).find_last_of(":]");
    if (colon == std::string_view::npos || colon < begin || url[colon] != ':')
        return {};
    return std::string(url).erase(colon, end - colon);
}

endpoint make_endpoint(urls::url_view const& url, bool tls, std::size_t prefix)
{
    endpoint result;
    result.tls = tls;
    result.ip_literal = is_ip(url);
    std::string const url_host = text(url.encoded_host()).substr(prefix);
    bool const brackets = url.host_type() == urls::host_type::ipv6;
    result.host = brackets ? url_host.substr(1, url_host.size() - 2) : url_host;
    std::string const default_port = tls ? "443" : "80";
    result.port = url.has_port() ? std::to_string(*port_number(text(url.port()))) : default_port;
    result.host_header = result.port == default_port ? url_host : url_host + ":" + result.port;
    result.target = text(url.encoded_path());
    if (result.target.empty())
        result.target.push_back('/');
    if (url.has_query())
        result.target.append("?").append(text(url.encoded_query()));
    return result;
}

} // namespace

std::string_view origin_of(std::string_view url)
{
    return url.substr(0, url.find_first_of("/?", url.find("://") + 3));
}

bool has_ipv6_zone(std::string_view url)
{
    auto const begin = url.find("://");
    if (begin == std::string_view::npos)
        return false;
    auto const authority = url.substr(begin + 3, url.find_first_of("/?#", begin + 3) - begin - 3);
    auto const open = authority.find('[');
    auto const zone = authority.find('%', std::min(open, authority.size()));
    return zone < authority.find(']') && authority.find(']') != std::string_view::npos;
}

result<endpoint>
parse_endpoint(std::string_view url, std::string_view option, bool allow_http_loopback)
{
    if (url.empty())
        return url_error(option, "is empty; set the absolute https:// URL");
    if (auto const host = ascii_host(url); !host.empty())
        return url_error(
            option,
            "has a host with non-ASCII characters; write it in its ASCII form, '" + host + "'");
    if (!detail::is_printable_ascii(url) || url.find(' ') != std::string_view::npos)
        return url_error(
            option,
            "contains a space, a control or a non-ASCII character; percent-encode it in path and "
            "query, and write a host name in its ASCII form (xn--...)");
    auto parsed = urls::parse_uri({url.data(), url.size()});
    std::string const portless = parsed ? std::string() : without_port(url);
    bool const bad_port = !portless.empty();
    if (bad_port)
        parsed = urls::parse_uri({portless.data(), portless.size()});
    if (parsed && parsed->has_userinfo())
        return url_error(
            option, "contains user information; remove it and use client_config::authentication");
    bool const truncated = parsed && has_truncated_host(*parsed);
    std::string const prefixed = truncated ? with_name_prefix(url) : std::string();
    if (truncated)
        parsed = urls::parse_uri({prefixed.data(), prefixed.size()});
    if (has_ipv6_zone(url))
        return url_error(
            option,
            "has an IPv6 address with a zone, which is not supported; use an address without "
            "a zone, or a host name");
    if (!parsed)
        return url_error(option, "is not an absolute URL; write it as https://host[:port]/path");
    urls::url_view const& view = *parsed;
    if (view.has_fragment())
        return url_error(option, url, "contains a fragment; remove it from the '#' on");
    bool const tls = view.scheme_id() == urls::scheme::https;
    if (!tls && view.scheme_id() != urls::scheme::http)
        return url_error(option, url, "must begin with https://");
    if (!view.has_authority() || view.encoded_host().empty())
        return url_error(option, url, "has no host; write it as https://host[:port]/path");
    if (view.host_type() == urls::host_type::ipvfuture || view.encoded_host().contains('%'))
        return url_error(option, url, "has a host that is neither a name nor an IP address");
    // Boost.URL parses https://a.example:4x as the port 4 and the path x (until Boost 1.82).
    if (bad_port || has_truncated_host(view) ||
        (view.has_port() && !port_number(text(view.port()))))
        return url_error(option, url, "has a bad port; it must be from 1 to 65535");
    if (!tls && !(allow_http_loopback && is_loopback(view)))
        return url_error(
            option, url,
            "must begin with https://; http:// is accepted only for a loopback address, and only "
            "with allow_http_loopback");
    return make_endpoint(view, tls, truncated ? name_prefix : 0);
}

} // namespace coauth::protocol
