#include "protocol/proxy.hpp"

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

error refuse_url(std::string const& advice)
{
    // The URL may hold a password: it is not repeated.
    return detail::config_error("proxy.url, or HTTPS_PROXY in the environment, " + advice);
}

struct address
{
    std::array<unsigned char, 16> bytes{};
    unsigned bits = 0;
};

std::optional<address> parse_address(std::string const& text)
{
    address made;
    if (inet_pton(AF_INET, text.c_str(), made.bytes.data()) == 1)
        made.bits = 32;
    else if (inet_pton(AF_INET6, text.c_str(), made.bytes.data()) == 1)
        made.bits = 128;
    if (made.bits == 0)
        return std::nullopt;
    return made;
}

bool same_prefix(address const& a, address const& b, unsigned bits)
{
    unsigned const whole = bits / 8;
    if (std::memcmp(a.bytes.data(), b.bytes.data(), whole) != 0)
        return false;
    unsigned const rest = bits % 8;
    auto const mask = static_cast<unsigned>(0xff00U >> rest);
    return rest == 0 || ((a.bytes[whole] ^ b.bytes[whole]) & mask & 0xffU) == 0;
}

bool address_matches(std::string_view entry, address const& host)
{
    auto const slash = entry.find('/');
    auto const given = parse_address(std::string(entry.substr(0, slash)));
    if (!given || given->bits != host.bits)
        return false;
    unsigned bits = host.bits;
    if (slash != std::string_view::npos)
    {
        auto const* const end = entry.data() + entry.size();
        auto const [stop, failure] = std::from_chars(entry.data() + slash + 1, end, bits);
        if (failure != std::errc() || stop != end || bits > host.bits)
            return false;
    }
    return same_prefix(*given, host, bits);
}

bool name_matches(std::string_view entry, std::string_view host)
{
    if (entry.starts_with("*."))
        entry.remove_prefix(1);
    std::string_view const suffix = entry.starts_with('.') ? entry.substr(1) : entry;
    if (suffix.empty() || host.size() < suffix.size())
        return false;
    auto const before = host.size() - suffix.size();
    return equal_ignoring_case(host.substr(before), suffix) &&
           (before == 0 || host[before - 1] == '.');
}

bool entry_matches(std::string_view entry, std::string_view host, std::string_view port)
{
    auto const ip = parse_address(std::string(host));
    if (ip && address_matches(entry, *ip))
        return true;
    // A port may follow a name, an IPv4 address, or an IPv6 address in brackets.
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

std::string first_set(environment const& variables, char const* lower, char const* upper)
{
    for (char const* const name : {lower, upper})
        if (auto const value = variables(name); value && !value->empty())
            return *value;
    return {};
}

struct given_proxy
{
    std::string url;
    std::string user;
    secret password;
};

std::optional<given_proxy>
choose(proxy_options const& options, endpoint const& server, environment const& variables)
{
    if (!options.url.empty())
        return given_proxy{options.url, options.user, options.password};
    if (!options.from_environment)
        return std::nullopt;
    auto const url = first_set(variables, "https_proxy", "HTTPS_PROXY");
    auto const bypass = first_set(variables, "no_proxy", "NO_PROXY");
    if (url.empty() || bypasses_proxy(bypass, server.host, server.port))
        return std::nullopt;
    // Many write the address alone.
    return given_proxy{
        url.find("://") == std::string::npos ? "http://" + url : url, options.user,
        options.password};
}

// Host and port, by the rules for endpoints: Boost.URL 1.81 alone would mistake some of them.
std::optional<endpoint> place_of(std::string_view url)
{
    auto const rest = url.substr(url.find("://") + 3);
    auto const authority = rest.substr(0, rest.find_first_of("/?#"));
    auto const place = authority.substr(authority.rfind('@') + 1);
    auto const parsed = parse_endpoint("https://" + std::string(place), "proxy.url", false);
    if (!parsed)
        return std::nullopt;
    auto found = *parsed;
    auto const colon = place.rfind(':');
    if (colon == std::string_view::npos || place.find(']', colon) != std::string_view::npos)
        found.port = "80";
    return found;
}

secret connect_request(endpoint const& server, given_proxy const& proxy)
{
    bool const brackets = server.host.find(':') != std::string::npos;
    std::string const authority =
        (brackets ? "[" + server.host + "]" : server.host) + ":" + server.port;
    secret out;
    out.append("CONNECT ").append(authority).append(" HTTP/1.1\r\nHost: ").append(authority);
    out.append("\r\n");
    if (!proxy.user.empty())
        out.append("Proxy-Authorization: Basic ")
            .append(basic_credentials(proxy.user, proxy.password.view(), false).view())
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

std::optional<std::string> variable(char const* name)
{
    char const* const value = std::getenv(name);
    if (value == nullptr)
        return std::nullopt;
    return value;
}

result<std::optional<proxy_route>>
find_proxy(proxy_options const& options, endpoint const& server, environment const& variables)
{
    auto given = choose(options, server, variables);
    if (!given)
        return std::optional<proxy_route>();
    auto const parsed = urls::parse_uri({given->url.data(), given->url.size()});
    if (!parsed || parsed->scheme_id() != urls::scheme::http || parsed->encoded_host().empty())
        return refuse_url("is not of the form http://host:port");
    auto const place = place_of(given->url);
    if (!place)
        return refuse_url("names no host, or a bad port; it must be from 1 to 65535");
    if (parsed->has_userinfo() && given->user.empty())
    {
        given->user = parsed->user();
        given->password = secret(parsed->password());
    }
    if (has_control(given->user) || has_control(given->password.view()) ||
        given->user.find(':') != std::string::npos)
        return refuse_url("has a user or password with a control character or a colon");
    proxy_route route;
    route.host = place->host;
    route.port = static_cast<std::uint16_t>(std::stoi(place->port));
    route.request = connect_request(server, *given);
    return std::optional<proxy_route>(std::move(route));
}

} // namespace coauth::protocol
