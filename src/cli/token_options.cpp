#include "cli/token_options.hpp"

#include <coauth/smscx.hpp>

#include "cli/printable.hpp"
#include "cli/secret_input.hpp"

#include <boost/program_options.hpp>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <ostream>

namespace coauth::cli
{
namespace
{

namespace po = boost::program_options;

// The flags as they were typed.
struct token_flags
{
    std::string provider;
    std::string host;
    std::string token_endpoint;
    std::string ca_file;
    bool http_loopback = false;

    std::string client_id;
    std::string secret_file;
    std::string auth;

    std::string scope;
    std::string audience;
    std::vector<std::string> resources;
    std::vector<std::string> parameters;

    std::string timeout;
    std::string user_agent;
    std::string output;
    bool verbose = false;
    bool help = false;
};

po::options_description server_flags(token_flags& into)
{
    po::options_description group("Which server");
    group.add_options()(
        "provider", po::value(&into.provider)->value_name("NAME"),
        "smscx, the default: SMS.CX at https://api.sms.cx")(
        "host", po::value(&into.host)->value_name("URL"),
        "another host of SMS.CX, as in https://api.example.com")(
        "token-endpoint", po::value(&into.token_endpoint)->value_name("URL"),
        "the token endpoint of any other server (RFC 6749)")(
        "ca-file", po::value(&into.ca_file)->value_name("FILE"),
        "trust the CA certificates of this PEM file instead of the system's")(
        "http-loopback", po::bool_switch(&into.http_loopback),
        "allow http:// to 127.0.0.1, ::1 and localhost, for tests");
    return group;
}

po::options_description client_flags(token_flags& into)
{
    po::options_description group("Who asks");
    group.add_options()(
        "client-id", po::value(&into.client_id)->value_name("ID"),
        "the client id; at SMS.CX the application id. Else COAUTH_CLIENT_ID")(
        "client-secret-file", po::value(&into.secret_file)->value_name("FILE"),
        "the file with the client secret, - for standard input. Else COAUTH_CLIENT_SECRET")(
        "auth", po::value(&into.auth)->value_name("HOW"),
        "basic, basic-raw or post. Default: basic; at SMS.CX basic-raw");
    return group;
}

po::options_description request_flags(token_flags& into)
{
    po::options_description group("What for");
    group.add_options()(
        "scope", po::value(&into.scope)->value_name("WORDS"),
        "scopes, as in \"sms groups\". Default: what the server grants")(
        "audience", po::value(&into.audience)->value_name("TEXT"), "the API the token is for")(
        "resource", po::value(&into.resources)->value_name("URI"),
        "the resource the token is for (RFC 8707); repeatable")(
        "param", po::value(&into.parameters)->value_name("NAME=VALUE"),
        "a further parameter of the request; repeatable");
    return group;
}

po::options_description answer_flags(token_flags& into)
{
    client_config const defaults;
    po::options_description group("How");
    group.add_options()(
        "output,o", po::value(&into.output)->default_value("summary")->value_name("FORM"),
        "summary, token, header (Authorization: Bearer ...) or json (one line)")(
        "timeout", po::value(&into.timeout)->default_value("10")->value_name("SECONDS"),
        "give up after so long, all phases together")(
        "user-agent",
        po::value(&into.user_agent)->default_value(defaults.user_agent)->value_name("TEXT"),
        "the User-Agent field")(
        "verbose,v", po::bool_switch(&into.verbose),
        "show request, answer and where the time went on standard error; secrets are masked")(
        "help,h", po::bool_switch(&into.help), "show this help");
    return group;
}

po::options_description all_flags(token_flags& into)
{
    po::options_description all;
    all.add(server_flags(into)).add(client_flags(into));
    all.add(request_flags(into)).add(answer_flags(into));
    return all;
}

std::string quoted(std::string const& text)
{
    return "'" + printable(text) + "'";
}

result<output_form> read_output(std::string const& text)
{
    if (text == "summary")
        return output_form::summary;
    if (text == "token")
        return output_form::token;
    if (text == "header")
        return output_form::header;
    if (text == "json")
        return output_form::json;
    return usage_error("--output is summary, token, header or json, not " + quoted(text));
}

result<std::chrono::milliseconds> read_timeout(std::string const& text)
{
    double seconds = 0;
    auto const end = text.data() + text.size();
    auto const [stop, failure] = std::from_chars(text.data(), end, seconds);
    // Within what an integer holds; the library knows the real bounds.
    bool const readable = failure == std::errc() && stop == end && std::abs(seconds) < 1e9;
    if (!readable)
        return usage_error("--timeout is a number of seconds, as in 2.5, not " + quoted(text));
    return std::chrono::milliseconds(std::llround(seconds * 1000));
}

result<client_authentication>
read_authentication(std::string const& how, std::string client_id, secret client_secret)
{
    if (how == "basic")
        return client_authentication::client_secret_basic(
            std::move(client_id), std::move(client_secret));
    if (how == "basic-raw")
        return client_authentication::client_secret_basic_raw(
            std::move(client_id), std::move(client_secret));
    if (how == "post")
        return client_authentication::client_secret_post(
            std::move(client_id), std::move(client_secret));
    return usage_error("--auth is basic, basic-raw or post, not " + quoted(how));
}

result<token_request> read_request(token_flags const& flags)
{
    token_request request;
    request.scope(flags.scope).audience(flags.audience);
    for (auto const& uri : flags.resources)
        request.resource(uri);
    for (auto const& parameter : flags.parameters)
    {
        auto const sign = parameter.find('=');
        if (sign == 0 || sign == std::string::npos)
            return usage_error("--param takes NAME=VALUE, as in --param tenant=blue");
        request.parameter(parameter.substr(0, sign), parameter.substr(sign + 1));
    }
    return request;
}

// SMS.CX unless another endpoint is named; both together are its manners at another address.
result<authorization_server> read_server(token_flags const& flags)
{
    if (!flags.provider.empty() && flags.provider != "smscx")
        return usage_error(
            "there is no provider " + quoted(flags.provider) +
            ": give smscx, or the URL of any other server with --token-endpoint");
    if (!flags.host.empty() && !flags.token_endpoint.empty())
        return usage_error("--host and --token-endpoint exclude each other: --token-endpoint is "
                           "the whole URL already");
    bool const smscx = !flags.provider.empty() || flags.token_endpoint.empty();
    authorization_server server;
    if (smscx)
        server = smscx::server(flags.host.empty() ? smscx::default_host : flags.host);
    if (!flags.token_endpoint.empty())
        server.token_endpoint = flags.token_endpoint;
    return server;
}

std::string default_auth(token_flags const& flags)
{
    bool const generic = flags.provider.empty() && !flags.token_endpoint.empty();
    return generic ? "basic" : "basic-raw";
}

result<std::string> read_client_id(token_flags const& flags)
{
    if (!flags.client_id.empty())
        return flags.client_id;
    char const* const value = std::getenv("COAUTH_CLIENT_ID");
    if (value != nullptr && *value != '\0')
        return std::string(value);
    return usage_error("the client id is missing: give --client-id ID, or set COAUTH_CLIENT_ID");
}

result<client_config> read_config(token_flags const& flags)
{
    auto server = read_server(flags);
    if (!server)
        return server.error();
    auto const timeout = read_timeout(flags.timeout);
    if (!timeout)
        return timeout.error();
    auto client_id = read_client_id(flags);
    if (!client_id)
        return client_id.error();
    // Known to be right before a secret is read, which may be waited for.
    std::string const how = flags.auth.empty() ? default_auth(flags) : flags.auth;
    auto authentication = read_authentication(how, *client_id, secret());
    if (!authentication)
        return authentication.error();
    auto client_secret = read_client_secret(flags.secret_file);
    if (!client_secret)
        return client_secret.error();

    client_config config;
    config.server = std::move(*server);
    config.authentication = *read_authentication(how, *client_id, std::move(*client_secret));
    config.tls.ca_file = flags.ca_file;
    config.timeout = *timeout;
    // A person who looks at an error wants the first one.
    config.retry.max_attempts = 1;
    config.user_agent = flags.user_agent;
    config.allow_http_loopback = flags.http_loopback;
    return config;
}

} // namespace

result<token_options> read_token_options(arguments const& args)
{
    token_flags flags;
    auto const read = read_flags(args, all_flags(flags), "coauth token");
    if (!read)
        return read.error();
    token_options options;
    options.help = flags.help;
    options.verbose = flags.verbose;
    if (flags.help)
        return options;
    auto const output = read_output(flags.output);
    if (!output)
        return output.error();
    options.output = *output;
    auto request = read_request(flags);
    if (!request)
        return request.error();
    options.request = std::move(*request);
    auto config = read_config(flags);
    if (!config)
        return config.error();
    options.config = std::move(*config);
    return options;
}

bool asks_for_json(arguments const& args)
{
    for (std::size_t i = 0; i < args.size(); ++i)
    {
        bool const separate = args[i] == "--output" || args[i] == "-o";
        if (separate && i + 1 < args.size() && args[i + 1] == "json")
            return true;
        if (args[i] == "--output=json" || args[i] == "-ojson")
            return true;
    }
    return false;
}

void print_token_help(std::ostream& out)
{
    token_flags unused;
    out << "Usage: coauth token [flags]\n\n"
           "Gets an access token with the client credentials grant (RFC 6749 section 4.4).\n\n"
           "  coauth token --client-id ID --client-secret-file FILE\n"
           "  coauth token --token-endpoint https://auth.example.com/oauth/token \\\n"
           "               --client-id ID --client-secret-file FILE --scope \"read write\"\n"
           "  curl -H \"$(coauth token --output header ...)\" https://api.example.com/\n"
        << all_flags(unused)
        << "\nExit status: 0 a token, 1 refused by the server, 2 usage or configuration,\n"
           "3 network or TLS, 4 timeout, 5 unusable answer.\n";
}

} // namespace coauth::cli
