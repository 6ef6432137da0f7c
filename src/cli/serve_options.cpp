#include "cli/serve_options.hpp"

#include "cli/sanitize_for_terminal.hpp"
#include "cli/serve_client.hpp"
#include "cli/serve_flags.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ostream>
#include <string_view>
#include <utility>

namespace coauth::cli
{
namespace
{

template <class Number>
result<Number>
read_number(std::string const& flag, std::string const& text, Number lowest, Number highest)
{
    Number number = 0;
    auto const end = text.data() + text.size();
    auto const [stop, error] = std::from_chars(text.data(), end, number);
    if (error == std::errc() && stop == end && number >= lowest && number <= highest)
        return number;
    return usage_error(
        flag + " is a number from " + std::to_string(lowest) + " to " + std::to_string(highest) +
        ", not " + in_quotes(text));
}

std::vector<std::string> split_words(std::string const& text)
{
    std::vector<std::string> found;
    std::string word;
    for (char const c : text + ' ')
    {
        if (c != ' ')
            word += c;
        else if (!word.empty())
            found.push_back(std::exchange(word, {}));
    }
    return found;
}

result<testing::server_flavor> read_flavor(std::string const& text)
{
    if (text == "rfc6749")
        return testing::server_flavor::rfc6749;
    if (text == "smscx")
        return testing::server_flavor::smscx;
    return usage_error("--flavor is rfc6749 or smscx, not " + in_quotes(text));
}

result<serve_format> read_serve_format(std::string const& text)
{
    if (text == "summary")
        return serve_format::summary;
    if (text == "env")
        return serve_format::env;
    return usage_error("--output is summary or env, not " + in_quotes(text));
}

result<testing::dpop> read_dpop(std::string const& text)
{
    if (text == "off")
        return testing::dpop::off;
    if (text == "accepted")
        return testing::dpop::accepted;
    if (text == "required")
        return testing::dpop::required;
    return usage_error("--dpop is off, accepted or required, not " + in_quotes(text));
}

constexpr char const* refresh_token = "refresh_token";

// The client credentials grant and the named ones.
result<std::vector<std::string>> read_grants(std::vector<std::string> const& names)
{
    static constexpr std::array<std::pair<std::string_view, char const*>, 3> known = {{
        {"refresh-token", refresh_token},
        {"jwt-bearer", "urn:ietf:params:oauth:grant-type:jwt-bearer"},
        {"token-exchange", "urn:ietf:params:oauth:grant-type:token-exchange"},
    }};
    std::vector<std::string> grants = {"client_credentials"};
    for (auto const& name : names)
    {
        auto const* const found = std::find_if(
            known.begin(), known.end(),
            [&name](auto const& entry) { return name == entry.first || name == entry.second; });
        if (found == known.end())
            return usage_error(
                "--grant is refresh-token, jwt-bearer or token-exchange, not " + in_quotes(name));
        grants.emplace_back(found->second);
    }
    return grants;
}

result<void> check_combination(serve_flags const& flags)
{
    auto const certificates = flags.certificate_file + flags.client_ca_file;
    if (flags.client_id.empty())
        return usage_error("--client-id must not be empty");
    if (flags.client_ca_file.empty() != flags.certificate_subject.empty())
        return usage_error("--client-ca-file and --cert-subject go together: the CA issues any "
                           "number of certificates");
    if (flags.assertion_issuer.empty() != flags.assertion_key_files.empty())
        return usage_error("--assertion-issuer and --assertion-key-file go together: the keys "
                           "are those of the issuer");
    if (flags.mtls_alias && certificates.empty())
        return usage_error(
            "--mtls-alias goes with --cert-file or --client-ca-file: otherwise no client has "
            "a certificate");
    if (flags.http && !certificates.empty())
        return usage_error("--http excludes --cert-file and --client-ca-file: certificates "
                           "need TLS");
    if (flags.is_public && !(flags.key_files.empty() && (flags.secret_file + certificates).empty()))
        return usage_error("--public excludes --secret-file, --key-file, --cert-file and "
                           "--client-ca-file: a public client has no credentials");
    if (flags.dpop_nonce && flags.dpop == "off")
        return usage_error("--dpop-nonce goes with --dpop accepted or required");
    return {};
}

result<void> set_grants(serve_flags const& flags, testing::server_options& server)
{
    auto grants = read_grants(flags.grants);
    if (!grants)
        return grants.error();
    server.grants = std::move(*grants);
    for (auto const& grant : server.grants)
        if (grant == refresh_token)
            server.refresh_tokens = {generated_secret()};
    return set_assertion_issuer(flags, server);
}

result<testing::server_options> read_server(serve_flags const& flags)
{
    testing::server_options server;
    if (auto const checked = check_combination(flags); !checked)
        return checked.error();
    auto const flavor = read_flavor(flags.flavor);
    if (!flavor)
        return flavor.error();
    auto const port = read_number<std::uint16_t>("--port", flags.port, 0, 65535);
    if (!port)
        return port.error();
    auto const lifetime =
        read_number<std::int32_t>("--token-lifetime", flags.lifetime, 1, 1'000'000'000);
    if (!lifetime)
        return lifetime.error();
    auto const dpop = read_dpop(flags.dpop);
    if (!dpop)
        return dpop.error();
    for (auto const set : {set_grants, set_registered_client})
        if (auto const done = set(flags, server); !done)
            return done.error();
    server.flavor = *flavor;
    server.port = *port;
    server.token_lifetime = std::chrono::seconds(*lifetime);
    server.scopes = split_words(flags.scope);
    server.dpop = *dpop;
    server.dpop_nonce = flags.dpop_nonce;
    server.tls = !flags.http;
    return server;
}

} // namespace

result<serve_options> read_serve_options(arguments const& args)
{
    serve_flags flags;
    auto const read = read_flags(args, describe_serve_flags(flags), "coauth serve");
    if (!read)
        return read.error();
    serve_options options;
    options.help = flags.help;
    if (flags.help)
        return options;
    auto const output = read_serve_format(flags.output);
    if (!output)
        return output.error();
    auto server = read_server(flags);
    if (!server)
        return server.error();
    options.output = *output;
    options.server = std::move(*server);
    options.has_own_secret = !flags.secret_file.empty();
    options.secret_file = flags.secret_file == "-" ? std::string() : flags.secret_file;
    return options;
}

void print_serve_help(std::ostream& out)
{
    serve_flags unused;
    out << "Usage: coauth serve [flags]\n\n"
           "Runs an authorization server on this machine, for tests: with TLS and a CA of\n"
           "its own, and with checks of credentials and scope. Ctrl-C ends it.\n"
        << describe_serve_flags(unused);
}

} // namespace coauth::cli
