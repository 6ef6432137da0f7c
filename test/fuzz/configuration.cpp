// Configuration values, one a line: the endpoint's URL, client id, client secret, scope, the
// proxy's URL, NO_PROXY, and User-Agent. Further options: `r`, `p` and `n` select the
// authentication.

#include "fuzz.hpp"
#include "protocol/config_validation.hpp"
#include "protocol/http_request.hpp"
#include "protocol/proxy.hpp"

#include <algorithm>
#include <array>

namespace
{

using coauth::client_authentication;
using coauth::protocol::endpoint;
using fuzz::require;

constexpr std::string_view password = "hunter2";

bool visible(std::string_view text)
{
    return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

std::string_view authority_of(std::string_view url)
{
    auto const begin = url.find("://");
    auto const rest = begin == url.npos ? std::string_view() : url.substr(begin + 3);
    return rest.substr(0, rest.find_first_of("/?#"));
}

bool is_loopback(std::string_view host)
{
    return host == "localhost" || host.starts_with("127.") || fuzz::holds(host, ":");
}

void check_endpoint(std::string const& url, endpoint const& endpoint, bool http_allowed)
{
    require(
        endpoint.tls || (http_allowed && is_loopback(endpoint.host)),
        "http only to loopback addresses");
    require(!endpoint.host.empty() && visible(endpoint.host), "a host has a name");
    int const port = std::stoi(endpoint.port);
    require(port >= 1 && port <= 65535, "a port is from 1 to 65535");
    require(
        endpoint.target.starts_with('/') && visible(endpoint.target),
        "a target is valid in a request line");
    require(visible(endpoint.host_header), "a host is valid in its field");
    auto const named = authority_of(url);
    require(
        named.starts_with(endpoint.host_header) || fuzz::holds(named, ":"),
        "the host is the one in the URL");
    auto const again = coauth::protocol::parse_endpoint(
        (endpoint.tls ? "https://" : "http://") + endpoint.host_header + endpoint.target, "again",
        http_allowed);
    require(again.has_value(), "the parts make a valid URL");
    require(
        again->host == endpoint.host && again->port == endpoint.port &&
            again->target == endpoint.target && again->host_header == endpoint.host_header &&
            again->ip_literal == endpoint.ip_literal,
        "parsing the parts again yields the same");
}

void check_refused(std::string_view url, coauth::error const& failure)
{
    require(failure == coauth::errc::invalid_configuration, "a bad URL is a configuration error");
    require(!fuzz::has_control(failure.message()), "no text contains a control character");
    require(
        !fuzz::holds(url, "@") || !fuzz::holds(failure.message(), password),
        "a password in a URL is not shown");
}

// A line break in a value would start another field.
void check_head(std::string_view head)
{
    constexpr std::array<std::string_view, 8> known = {
        "Host",          "Accept",       "Accept-Encoding", "User-Agent",
        "Authorization", "Content-Type", "Content-Length",  "Proxy-Authorization"};
    bool first = true;
    while (!head.empty())
    {
        auto line = fuzz::take_line(head);
        require(line.ends_with('\r'), "every line ends with CR LF");
        line.remove_suffix(1);
        require(
            std::none_of(
                line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }),
            "no control character within a line");
        bool const field = std::any_of(
            known.begin(), known.end(), [&](auto name)
            { return line.starts_with(name) && line.substr(name.size()).starts_with(": "); });
        require(first || field, "every field is expected");
        first = false;
    }
}

void check_request(std::string_view text)
{
    auto const end = text.find("\r\n\r\n");
    require(end != text.npos, "a request has a head");
    check_head(text.substr(0, end + 2));
    require(visible(text.substr(end + 4)), "a form is visible ASCII");
}

void check_proxy(std::string const& url, std::string const& bypass, endpoint const& server)
{
    coauth::proxy_options options;
    options.from_environment = true;
    auto const variables = [&](std::string_view name) -> std::optional<std::string>
    {
        return name == "https_proxy" ? url : name == "no_proxy" ? bypass : std::string();
    };
    auto const found = coauth::protocol::find_proxy(options, server, variables);
    if (!found)
        return check_refused(url, found.error());
    bool const passed_by = coauth::protocol::bypasses_proxy(bypass, server.host, server.port);
    require(found->has_value() == (!url.empty() && !passed_by), "a proxy is used unless bypassed");
    if (!*found)
        return;
    auto const& route = **found;
    check_request(route.request.view());
    require(!route.host.empty() && route.port != 0, "a proxy has a host and a port");
    std::string const whole = fuzz::holds(url, "://") ? url : "http://" + url;
    auto authority = authority_of(whole);
    authority.remove_prefix(authority.rfind('@') + 1);
    auto const port = ":" + std::to_string(route.port);
    auto const colon = authority.starts_with('[') ? authority.find("]:") + 1 : authority.find(':');
    auto const digits = authority.substr(std::min(authority.size(), colon));
    require(
        colon == 0 || digits.size() < 2 || digits.ends_with(port.substr(1)),
        "the proxy's port is the one in the URL");
    require(
        fuzz::holds(authority, "%") || authority.starts_with('[') ||
            authority.substr(0, colon) == route.host,
        "the proxy's host is the one in the URL");
}

client_authentication authentication(fuzz::input const& from, std::string id, std::string secret)
{
    if (from.has('r'))
        return client_authentication::client_secret_basic_unencoded(id, secret);
    if (from.has('p'))
        return client_authentication::client_secret_post(id, secret);
    if (from.has('n'))
        return client_authentication::none(id);
    return client_authentication::client_secret_basic(id, secret);
}

} // namespace

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    fuzz::input const from(data, size);
    auto rest = from.rest;
    std::array<std::string, 7> lines;
    for (auto& line : lines)
        line = fuzz::take_line(rest);
    auto const& [url, id, secret, scope, proxy, bypass, agent] = lines;

    auto const parsed =
        coauth::protocol::parse_endpoint(url, "server.token_endpoint", from.has('l'));
    if (!parsed)
    {
        check_refused(url, parsed.error());
        return 0;
    }
    check_endpoint(url, *parsed, from.has('l'));
    check_proxy(proxy, bypass, *parsed);

    auto config = fuzz::config(from);
    config.server.token_endpoint = url;
    config.authentication = authentication(from, id, secret);
    config.user_agent = agent;
    auto const checked = coauth::protocol::check_config(config);
    auto const form = coauth::protocol::token_request_form(coauth::token_request().scope(scope));
    if (!checked || !form)
        return 0;
    auto const request =
        coauth::protocol::build_form_request(config, config.authentication, *checked, *form, {});
    if (request)
        check_request(request->view());
    return 0;
}
