#include "cli/proxy_flag.hpp"

#include "cli/flags.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace coauth::cli
{
namespace
{

// The part of a URL between "//" and the path.
std::string_view authority_of(std::string_view url)
{
    auto const scheme = url.find("://");
    if (scheme != std::string_view::npos)
        url.remove_prefix(scheme + 3);
    return url.substr(0, url.find_first_of("/?#"));
}

std::string lower_case_host(std::string_view url)
{
    auto const authority = authority_of(url);
    auto host = authority.substr(authority.rfind('@') + 1);
    host =
        host.starts_with('[') ? host.substr(0, host.find(']') + 1) : host.substr(0, host.find(':'));
    std::string lower(host);
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z')
            c = static_cast<char>(c - 'A' + 'a');
    return lower;
}

bool is_on_this_machine(std::string_view url)
{
    auto const host = lower_case_host(url);
    bool const is_ipv4 = host.find_first_not_of("0123456789.") == std::string::npos;
    return host == "localhost" || host.ends_with(".localhost") || host == "[::1]" ||
           (is_ipv4 && host.starts_with("127."));
}

bool is_local(client_flags const& flags)
{
    bool any = false;
    for (auto const* const url :
         {&flags.issuer, &flags.host, &flags.token_endpoint, &flags.introspection_endpoint,
          &flags.revocation_endpoint})
    {
        if (url->empty())
            continue;
        if (!is_on_this_machine(*url))
            return false;
        any = true;
    }
    return any;
}

} // namespace

result<proxy_options> read_proxy(client_flags const& flags)
{
    proxy_options options;
    if (flags.proxy.empty())
        options.from_environment = !is_local(flags);
    else if (authority_of(flags.proxy).find('@') != std::string_view::npos)
        return usage_error("do not give the credentials of a proxy as an argument, where every "
                           "user of this machine can read them: set HTTPS_PROXY instead");
    else if (flags.proxy != "none")
        // Many people write a proxy without a scheme.
        options.url =
            flags.proxy.find("://") == std::string::npos ? "http://" + flags.proxy : flags.proxy;
    return options;
}

} // namespace coauth::cli
