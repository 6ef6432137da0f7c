#include "protocol/endpoint_url.hpp"

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

// A URL that may hold a password, or bytes unfit for a terminal, is not repeated.
error refuse_unseen(std::string_view what, std::string_view advice)
{
    return detail::config_error(std::string(what) + " " + std::string(advice));
}

error config_error(std::string_view what, std::string_view url, std::string_view advice)
{
    // Mistyped, user information may stand where none is looked for.
    if (url.find('@') != std::string_view::npos)
        return refuse_unseen(what, advice);
    return detail::config_error(
        std::string(what) + " '" + std::string(url) + "' " + std::string(advice));
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

// Boost.URL 1.81 keeps the low 16 bits of a number that is too large.
std::optional<std::uint16_t> port_number(std::string_view digits)
{
    std::uint16_t number = 0;
    auto const [end, failure] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (failure != std::errc() || end != digits.data() + digits.size() || number == 0)
        return std::nullopt;
    return number;
}

// Boost.URL 1.81 takes the host 10.0.0.1.example for an address with a path behind it, and so
// would connect to another host than the one named.
bool has_truncated_host(urls::url_view const& url)
{
    return url.has_authority() && !url.encoded_path().empty() && url.encoded_path().front() != '/';
}

// A letter before such a host has it read as a name; `make_endpoint` drops it again.
constexpr std::size_t name_prefix = 1;

std::string with_name_prefix(std::string_view url)
{
    constexpr std::string_view before_host = "://";
    return std::string(url).insert(url.find(before_host) + before_host.size(), name_prefix, 'h');
}

// Newer releases of Boost.URL take no URL with a bad port apart. Empty: there is no port.
std::string without_port(std::string_view url)
{
    constexpr std::string_view before_host = "://";
    auto const scheme = url.find(before_host);
    if (scheme == std::string_view::npos)
        return {};
    auto const begin = scheme + before_host.size();
    auto const end = std::min(url.find_first_of("/?#", begin), url.size());
    auto const colon = url.substr(0, end).find_last_of(":]");
    if (colon == std::string_view::npos || colon < begin || url[colon] != ':')
        return {};
    return std::string(url).erase(colon, end - colon);
}

endpoint make_endpoint(urls::url_view const& url, bool tls, std::size_t prefix)
{
    endpoint made;
    made.tls = tls;
    made.ip_literal = is_ip(url);
    std::string const in_url = text(url.encoded_host()).substr(prefix);
    bool const brackets = url.host_type() == urls::host_type::ipv6;
    made.host = brackets ? in_url.substr(1, in_url.size() - 2) : in_url;
    std::string const default_port = tls ? "443" : "80";
    made.port = url.has_port() ? std::to_string(*port_number(text(url.port()))) : default_port;
    made.host_header = made.port == default_port ? in_url : in_url + ":" + made.port;
    made.target = text(url.encoded_path());
    if (made.target.empty())
        made.target.push_back('/');
    if (url.has_query())
        made.target.append("?").append(text(url.encoded_query()));
    return made;
}

} // namespace

result<endpoint>
parse_endpoint(std::string_view given, std::string_view what, bool allow_http_loopback)
{
    if (given.empty())
        return refuse_unseen(what, "is empty; give the absolute https:// URL");
    if (!is_printable_ascii(given) || given.find(' ') != std::string_view::npos)
        return refuse_unseen(
            what, "contains a space, a control or a non-ASCII character; percent-encode it");
    auto parsed = urls::parse_uri({given.data(), given.size()});
    std::string const portless = parsed ? std::string() : without_port(given);
    bool const bad_port = !portless.empty();
    if (bad_port)
        parsed = urls::parse_uri({portless.data(), portless.size()});
    if (parsed && parsed->has_userinfo())
        return refuse_unseen(
            what, "contains user information; remove it and use client_config::authentication");
    bool const cut_host = parsed && has_truncated_host(*parsed);
    std::string const prefixed = cut_host ? with_name_prefix(given) : std::string();
    if (cut_host)
        parsed = urls::parse_uri({prefixed.data(), prefixed.size()});
    if (!parsed)
        return refuse_unseen(what, "is not an absolute URL; write it as https://host[:port]/path");
    urls::url_view const& url = *parsed;
    if (url.has_fragment())
        return config_error(what, given, "contains a fragment; remove it from the '#' on");
    bool const tls = url.scheme_id() == urls::scheme::https;
    if (!tls && url.scheme_id() != urls::scheme::http)
        return config_error(what, given, "must begin with https://");
    if (!url.has_authority() || url.encoded_host().empty())
        return config_error(what, given, "has no host; write it as https://host[:port]/path");
    if (url.host_type() == urls::host_type::ipvfuture || url.encoded_host().contains('%'))
        return config_error(what, given, "has a host that is neither a name nor an IP address");
    // Of https://a.example:4x the port is 4 to Boost.URL 1.81, and the path x.
    if (bad_port || has_truncated_host(url) || (url.has_port() && !port_number(text(url.port()))))
        return config_error(what, given, "has a bad port; it must be from 1 to 65535");
    if (!tls && !(allow_http_loopback && is_loopback(url)))
        return config_error(
            what, given,
            "must begin with https://; http:// is accepted only for a loopback address, and only "
            "with allow_http_loopback");
    return make_endpoint(url, tls, cut_host ? name_prefix : 0);
}

} // namespace coauth::protocol
