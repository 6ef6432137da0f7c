#include "protocol/proxy.hpp"

#include "protocol/idn_host.hpp"
#include "values/encoding.hpp"
#include "values/make_error.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/pct_string_view.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>

namespace coauth::protocol
{
namespace
{

namespace urls = boost::urls;

// Without the URL, which may contain a password.
error url_error(std::string const& advice)
{
    return detail::config_error("proxy.url, or HTTPS_PROXY in the environment, " + advice);
}

struct address
{
    std::array<unsigned char, 16> bytes{};
    unsigned bits = 0;
};

std::optional<address> parse_address(std::string const& text)
{
    address parsed;
    if (inet_pton(AF_INET, text.c_str(), parsed.bytes.data()) == 1)
        parsed.bits = 32;
    else if (inet_pton(AF_INET6, text.c_str(), parsed.bytes.data()) == 1)
        parsed.bits = 128;
    if (parsed.bits == 0)
        return std::nullopt;
    return parsed;
}

bool same_prefix(address const& a, address const& b, unsigned bits)
{
    unsigned const bytes = bits / 8;
    if (std::memcmp(a.bytes.data(), b.bytes.data(), bytes) != 0)
        return false;
    unsigned const rest = bits % 8;
    auto const mask = static_cast<unsigned>(0xff00U >> rest);
    return rest == 0 || ((a.bytes[bytes] ^ b.bytes[bytes]) & mask & 0xffU) == 0;
}

bool address_matches(std::string_view entry, address const& host)
{
    auto const slash = entry.find('/');
    auto const network = parse_address(std::string(entry.substr(0, slash)));
    if (!network || network->bits != host.bits)
        return false;
    unsigned bits = host.bits;
    if (slash != std::string_view::npos)
    {
        auto const* const end = entry.data() + entry.size();
        auto const [stop, failure] = std::from_chars(entry.data() + slash + 1, end, bits);
        if (failure != std::errc() || stop != end || bits > host.bits)
            return false;
    }
    return same_prefix(*network, host, bits);
}

bool name_matches(std::string_view entry, std::string_view host)
{
    // Names with and without the dot of the root are the same.
    for (auto* const name : {&entry, &host})
        if (name->ends_with('.'))
            name->remove_suffix(1);
    if (entry.starts_with("*."))
        entry.remove_prefix(1);
    std::string_view const suffix = entry.starts_with('.') ? entry.substr(1) : entry;
    if (suffix.empty() || host.size() < suffix.size())
        return false;
    auto const before = host.size() - suffix.size();
    return detail::equal_ignoring_case(host.substr(before), suffix) &&
           (before == 0 || host[before - 1] == '.');
}

bool entry_matches(std::string_view entry, std::string_view host, std::string_view port)
{
    auto const ip = parse_address(std::string(host));
    if (ip && address_matches(entry, *ip))
        return true;
    // A name, an IPv4 address or an IPv6 address in brackets may have a port.
    auto const colon = entry.rfind(':');
    bool const has_port = colon != std::string_view::npos && entry.find(':') == colon;
    bool const bracketed = entry.starts_with('[') && entry.find(']') != std::string_view::npos;
    std::string_view name = entry;
    if (has_port || (bracketed && colon != std::string_view::npos && entry[colon - 1] == ']'))
    {
        if (entry.substr(colon + 1) != port)
            return false;
        name = entry.substr(0, colon);
    }
    if (name.starts_with('[') && name.ends_with(']'))
        name = name.substr(1, name.size() - 2);
    return ip ? address_matches(name, *ip) : name_matches(name, host);
}

std::string first_set(environment const& variables, char const* lower_case, char const* upper_case)
{
    for (char const* const name : {lower_case, upper_case})
        if (auto const value = variables(name); value && !value->empty())
            return *value;
    return {};
}

struct proxy_settings
{
    std::string url;
    std::string user;
    secret password;
};

std::optional<proxy_settings>
select_proxy(proxy_options const& options, endpoint const& server, environment const& variables)
{
    if (!options.url.empty())
        return proxy_settings{options.url, options.user, options.password};
    if (!options.from_environment)
        return std::nullopt;
    auto const url = first_set(variables, "https_proxy", "HTTPS_PROXY");
    auto const bypass = first_set(variables, "no_proxy", "NO_PROXY");
    if (url.empty() || bypasses_proxy(bypass, server.host, server.port))
        return std::nullopt;
    // Many environments have an address without a scheme.
    return proxy_settings{
        url.find("://") == std::string::npos ? "http://" + url : url, options.user,
        options.password};
}

// Host and port by the rules for endpoints: Boost.URL alone misreads some (until Boost 1.83).
std::optional<endpoint> parse_proxy_endpoint(std::string_view url)
{
    auto const rest = url.substr(url.find("://") + 3);
    auto const authority = rest.substr(0, rest.find_first_of("/?#"));
    auto const host_and_port = authority.substr(authority.rfind('@') + 1);
    auto const parsed = parse_endpoint("https://" + std::string(host_and_port), "proxy.url", false);
    if (!parsed)
        return std::nullopt;
    auto proxy = *parsed;
    proxy.tls = detail::equal_ignoring_case(url.substr(0, url.find(':')), "https");
    auto const colon = host_and_port.rfind(':');
    bool const has_port =
        colon != std::string_view::npos && host_and_port.find(']', colon) == std::string_view::npos;
    if (!has_port)
        proxy.port = proxy.tls ? "443" : "80";
    return proxy;
}

secret
connect_request(endpoint const& server, proxy_settings const& proxy, std::string_view user_agent)
{
    bool const brackets = server.host.find(':') != std::string::npos;
    std::string const authority =
        (brackets ? "[" + server.host + "]" : server.host) + ":" + server.port;
    secret out;
    out.append("CONNECT ").append(authority).append(" HTTP/1.1\r\nHost: ").append(authority);
    out.append("\r\n");
    if (!user_agent.empty())
        out.append("User-Agent: ").append(user_agent).append("\r\n");
    if (!proxy.user.empty())
        out.append("Proxy-Authorization: Basic ")
            .append(detail::basic_credentials(proxy.user, proxy.password.view(), false).view())
            .append("\r\n");
    return std::move(out.append("\r\n"));
}

} // namespace

bool bypasses_proxy(std::string_view no_proxy, std::string_view host, std::string_view port)
{
    while (!no_proxy.empty())
    {
        auto const end = std::min(no_proxy.find_first_of(", \t"), no_proxy.size());
        auto const entry = no_proxy.substr(0, end);
        no_proxy.remove_prefix(std::min(end + 1, no_proxy.size()));
        if (entry == "*" || (!entry.empty() && entry_matches(entry, host, port)))
            return true;
    }
    return false;
}

std::optional<std::string> process_environment(char const* name)
{
    char const* const value = std::getenv(name);
    if (value == nullptr)
        return std::nullopt;
    return value;
}

result<std::optional<proxy_route>> find_proxy(
    proxy_options const& options, endpoint const& server, environment const& variables,
    std::string_view user_agent)
{
    if (detail::has_control(user_agent))
        return detail::config_error("user_agent contains a control character; remove it");
    auto settings = select_proxy(options, server, variables);
    if (!settings)
        return std::optional<proxy_route>();
    if (auto const ascii = ascii_host(settings->url); !ascii.empty())
        return url_error("has a host with letters that are not ASCII; write it as '" + ascii + "'");
    auto const parsed = urls::parse_uri({settings->url.data(), settings->url.size()});
    bool const is_http = parsed && (parsed->scheme_id() == urls::scheme::http ||
                                    parsed->scheme_id() == urls::scheme::https);
    if (!is_http || parsed->encoded_host().empty())
        return url_error(
            has_ipv6_zone(settings->url)
                ? "has an IPv6 address with a zone, which is not "
                  "supported; remove the zone from the '%' on"
                : "is not of the form http://host:port or https://host:port");
    auto const proxy = parse_proxy_endpoint(settings->url);
    if (!proxy)
        return url_error("has no host, or a bad port; it must be from 1 to 65535");
    if (parsed->has_userinfo() && settings->user.empty())
    {
        settings->user = parsed->user();
        settings->password = secret(parsed->password());
    }
    if (detail::has_control(settings->user) || detail::has_control(settings->password.view()) ||
        settings->user.find(':') != std::string::npos)
        return url_error("has a user or password with a control character or a colon");
    proxy_route route;
    route.tls = proxy->tls;
    route.host = proxy->host;
    route.ip_literal = proxy->ip_literal;
    route.port = static_cast<std::uint16_t>(std::stoi(proxy->port));
    route.request = connect_request(server, *settings, user_agent);
    return std::optional<proxy_route>(std::move(route));
}

} // namespace coauth::protocol
