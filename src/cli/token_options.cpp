#include "cli/token_options.hpp"

#include "cli/sanitize_for_terminal.hpp"

#include <boost/program_options.hpp>

#include <ostream>

namespace coauth::cli
{
namespace
{

namespace po = boost::program_options;

// The flags as they were typed.
struct token_flags
{
    client_flags client;
    std::string scope;
    std::string audience;
    std::vector<std::string> resources;
    std::vector<std::string> parameters;
    std::string output;
    bool decode = false;
};

po::options_description request_flags(token_flags& flags)
{
    po::options_description group("Token");
    group.add_options()(
        "scope", po::value(&flags.scope)->value_name("WORDS"),
        "scopes, such as \"sms groups\". Default: those that the server grants")(
        "audience", po::value(&flags.audience)->value_name("TEXT"), "the API the token is for")(
        "resource", po::value(&flags.resources)->value_name("URI"),
        "the resource the token is for (RFC 8707); repeatable")(
        "param", po::value(&flags.parameters)->value_name("NAME=VALUE"),
        "a further parameter of the request; repeatable");
    return group;
}

po::options_description all_flags(token_flags& flags)
{
    po::options_description server("Server");
    add_server_flags(server, flags.client);
    add_token_type_flags(server, flags.client);
    add_connection_flags(server, flags.client);
    po::options_description client("Client authentication");
    add_client_flags(client, flags.client);
    po::options_description command("Command");
    command.add_options()(
        "output,o", po::value(&flags.output)->default_value("summary")->value_name("FORM"),
        "summary, token, header (Authorization: Bearer ...) or json (one line)")(
        "decode", po::bool_switch(&flags.decode),
        "show the content of a JWT after the summary; its signature is not verified");
    add_verbose_flag(command, flags.client);
    add_run_flags(command, flags.client);
    po::options_description all;
    all.add(server).add(client).add(request_flags(flags)).add(command);
    return all;
}

result<output_format> read_output_format(std::string const& text)
{
    if (text == "summary")
        return output_format::summary;
    if (text == "token")
        return output_format::token;
    if (text == "header")
        return output_format::header;
    if (text == "json")
        return output_format::json;
    return usage_error("--output is summary, token, header or json, not " + in_quotes(text));
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

} // namespace

result<token_options> read_token_options(arguments const& args)
{
    token_flags flags;
    auto const read = read_flags(args, all_flags(flags), "coauth token");
    if (!read)
        return read.error();
    token_options options;
    options.help = flags.client.help;
    options.decode = flags.decode;
    if (options.help)
        return options;
    auto const output = read_output_format(flags.output);
    if (!output)
        return output.error();
    options.output = *output;
    if (options.decode && options.output != output_format::summary)
        return usage_error("--decode goes with --output summary alone");
    auto request = read_request(flags);
    if (!request)
        return request.error();
    options.request = std::move(*request);
    auto client = read_client_options(flags.client);
    if (!client)
        return client.error();
    options.client = std::move(*client);
    return options;
}

void print_token_help(std::ostream& out)
{
    token_flags unused;
    out << "Usage: coauth token [flags]\n\n"
           "Gets an access token with the client credentials grant (RFC 6749 section 4.4).\n\n"
           "  coauth token --client-id ID --client-secret-file FILE\n"
           "  coauth token --token-endpoint https://auth.example.com/oauth/token \\\n"
           "               --client-id ID --client-secret-file FILE --scope \"read write\"\n"
           "  coauth token --issuer https://login.example.com --client-id ID --key-file FILE\n"
           "  curl -H \"$(coauth token --output header ...)\" https://api.example.com/\n"
        << all_flags(unused)
        << "\nExit status: 0 a token, 1 refused by the server, 2 usage or configuration,\n"
           "3 network or TLS, 4 timeout, 5 unusable response.\n";
}

} // namespace coauth::cli
