#include "token_store/redis_server.hpp"

#include "protocol/config_validation.hpp"
#include "protocol/endpoint_url.hpp"
#include "values/call_secret_provider.hpp"
#include "values/encoding.hpp"
#include "values/make_error.hpp"
#include "values/wipe.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace coauth::redis
{
namespace
{

// Without the URL, which may contain a password.
error url_error(std::string_view advice)
{
    return detail::config_error("redis_options::url " + std::string(advice));
}

// Percent-encoded, as RFC 3986 has it: unlike in a form, `+` is itself.
std::optional<secret> decode(std::string_view text)
{
    secret out;
    for (std::size_t i = 0; i < text.size(); ++i)
    {
        if (text[i] != '%')
        {
            out.append(text[i]);
            continue;
        }
        unsigned byte = 0;
        auto const* const digits = text.data() + i + 1;
        auto const* const end = digits + std::min<std::size_t>(2, text.size() - i - 1);
        auto const [stopped, failure] = std::from_chars(digits, end, byte, 16);
        if (failure != std::errc() || stopped != digits + 2)
            return std::nullopt;
        out.append(static_cast<char>(byte));
        i += 2;
    }
    return out;
}

result<void> read_user_info(server_url& out, std::string_view user_info)
{
    auto const colon = user_info.find(':');
    auto const user = decode(user_info.substr(0, colon));
    auto password = colon == user_info.npos ? secret() : decode(user_info.substr(colon + 1));
    if (!user || !password)
        return url_error(
            "has a '%' in user or password that is not followed by two hexadecimal digits; "
            "write '%' itself as %25");
    out.user = std::string(user->view());
    out.password = std::move(*password);
    return {};
}

result<void> read_authority(server_url& out, std::string_view authority)
{
    constexpr std::uint16_t default_port = 6379;
    auto const at = authority.rfind('@');
    if (at != authority.npos)
    {
        if (auto const done = read_user_info(out, authority.substr(0, at)); !done)
            return done;
        authority.remove_prefix(at + 1);
    }
    // By the rules for endpoints.
    auto const parsed =
        protocol::parse_endpoint("https://" + std::string(authority), "redis_options::url", false);
    if (!parsed)
        return url_error(
            "has no host, or a bad one, or a bad port; write it as redis://host:port or "
            "rediss://host:port, an IPv6 address in brackets");
    auto const colon = authority.rfind(':');
    bool const has_port = colon != authority.npos && authority.find(']', colon) == authority.npos;
    out.host = parsed->host;
    out.port = has_port ? static_cast<std::uint16_t>(std::stoul(parsed->port)) : default_port;
    return {};
}

bool is_database(std::string_view text)
{
    unsigned short number = 0;
    auto const [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    return failure == std::errc() && end == text.data() + text.size();
}

bool is_prefix(std::string_view text)
{
    return text.size() <= 100 && detail::is_printable_ascii(text) &&
           text.find_first_of("{} ") == text.npos;
}

} // namespace

result<server_url> parse_server_url(std::string_view url)
{
    if (url.empty())
        return url_error("is empty; set it to redis://host:port or rediss://host:port");
    server_url out;
    constexpr std::string_view plain = "redis://";
    constexpr std::string_view encrypted = "rediss://";
    out.tls = detail::equal_ignoring_case(url.substr(0, encrypted.size()), encrypted);
    if (!out.tls && !detail::equal_ignoring_case(url.substr(0, plain.size()), plain))
        return url_error("must begin with redis:// or rediss://");
    url.remove_prefix((out.tls ? encrypted : plain).size());
    if (!detail::is_printable_ascii(url) || url.find_first_of(" ?#") != url.npos)
        return url_error(
            "contains a space, a query, a fragment, or a character that is not printable ASCII; "
            "remove it, and percent-encode such characters of user and password");
    auto const slash = url.find('/');
    if (auto const done = read_authority(out, url.substr(0, slash)); !done)
        return done.error();
    out.database = slash == url.npos ? std::string() : std::string(url.substr(slash + 1));
    if (!out.database.empty() && !is_database(out.database))
        return url_error("has a path that is not the number of a database, as in /2");
    return out;
}

result<std::shared_ptr<server_settings const>> make_settings(redis_options options)
{
    auto url = parse_server_url(options.url);
    if (!url)
        return url.error();
    if (!is_prefix(options.prefix))
        return detail::config_error(
            "redis_options::prefix must be at most 100 printable characters without braces and "
            "spaces");
    if (auto const checked = protocol::check_tls(options.tls); !checked)
        return checked.error();
    auto settings = std::make_shared<server_settings>();
    settings->url = std::move(*url);
    // It may have the password.
    detail::wipe(options.url.data(), options.url.size());
    settings->options = std::move(options);
    if (settings->url.tls)
        settings->tls = std::make_shared<net::tls_source>(settings->options.tls);
    return std::shared_ptr<server_settings const>(std::move(settings));
}

result<commands> server_settings::make_greeting() const
{
    commands greeting;
    secret password = url.password;
    if (options.password)
    {
        auto current = detail::call_secret_provider(options.password, "Redis password");
        if (!current)
            return current.error();
        password = std::move(*current);
    }
    auto const& user = options.user.empty() ? url.user : options.user;
    // Without a user in the old form, which servers before the ACL and their imitations have.
    if (!user.empty())
        greeting.add({"AUTH", user, password.view()});
    else if (!password.empty())
        greeting.add({"AUTH", password.view()});
    if (!url.database.empty() && url.database != "0")
        greeting.add({"SELECT", url.database});
    return greeting;
}

std::shared_ptr<net::stream_target const> server_settings::make_target(
    std::string const& host, std::uint16_t port, std::shared_ptr<net::resolver> lookups) const
{
    constexpr std::chrono::milliseconds connection_attempt_delay(250);
    auto target = std::make_shared<net::stream_target>();
    boost::system::error_code not_an_address;
    (void)boost::asio::ip::make_address(host, not_an_address);
    target->tls = tls;
    target->host = host;
    target->port = port;
    target->ip_literal = !not_an_address;
    target->connection_attempt_delay = connection_attempt_delay;
    target->lookups = std::move(lookups);
    return target;
}

} // namespace coauth::redis
