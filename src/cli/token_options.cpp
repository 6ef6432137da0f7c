#include "cli/token_options.hpp"

#include <coauth/secret_provider.hpp>

#include "cli/sanitize_for_terminal.hpp"

#include <boost/program_options.hpp>

#include <optional>
#include <ostream>
#include <utility>

namespace coauth::cli
{
namespace
{

namespace po = boost::program_options;

// The flags as they were typed.
struct token_flags
{
    client_flags client;
    std::string grant;
    store_flags store;
    std::string scope;
    std::vector<std::string> audiences;
    std::vector<std::string> resources;
    std::vector<std::string> parameters;
    std::vector<std::string> parameter_files;
    std::string authorization_details;
    std::vector<std::string> headers;
    std::string output;
    bool decode = false;
};

po::options_description request_flags(token_flags& flags)
{
    po::options_description group("Token");
    group.add_options()(
        "grant", po::value(&flags.grant)->value_name("NAME"),
        "the grant type, such as account_credentials; its parameters are given by --param and "
        "--param-file. Default: client_credentials")(
        "scope", po::value(&flags.scope)->value_name("WORDS"),
        "scopes, such as \"sms groups\". Default: those that the server grants")(
        "audience", po::value(&flags.audiences)->value_name("TEXT"),
        "the API the token is for; repeatable")(
        "resource", po::value(&flags.resources)->value_name("URI"),
        "the resource the token is for (RFC 8707); repeatable")(
        "param", po::value(&flags.parameters)->value_name("NAME=VALUE"),
        "a further parameter of the request; repeatable")(
        "param-file", po::value(&flags.parameter_files)->value_name("NAME=FILE"),
        "the same with a secret value, which is read from the file; repeatable")(
        "authorization-details", po::value(&flags.authorization_details)->value_name("JSON"),
        "the rights in detail (RFC 9396): a JSON array of objects, each with a type")(
        "header", po::value(&flags.headers)->value_name("'NAME: VALUE'"),
        "a further header field of the request; repeatable");
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
    po::options_description store("Sharing");
    add_store_flags(store, flags.store);
    po::options_description command("Command");
    command.add_options()(
        "output,o", po::value(&flags.output)->default_value("summary")->value_name("FORM"),
        "summary, token, header (Authorization: Bearer ...) or json (one line)")(
        "decode", po::bool_switch(&flags.decode),
        "show the content of a JWT after the summary; its signature is not verified");
    add_verbose_flag(command, flags.client);
    add_run_flags(command, flags.client);
    po::options_description all;
    all.add(server).add(client).add(request_flags(flags)).add(store).add(command);
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

struct pair_of_text
{
    std::string name;
    std::string value;
};

// Splits "NAME=VALUE". None: there is no name or no sign.
std::optional<pair_of_text> split(std::string const& text, char sign)
{
    auto const at = text.find(sign);
    if (at == 0 || at == std::string::npos)
        return std::nullopt;
    return pair_of_text{text.substr(0, at), text.substr(at + 1)};
}

result<void> add_headers(token_flags const& flags, token_request& request)
{
    for (auto const& header : flags.headers)
    {
        auto field = split(header, ':');
        auto const begin = field ? field->value.find_first_not_of(' ') : std::string::npos;
        if (begin == std::string::npos)
            return usage_error("--header takes 'NAME: VALUE', as in --header 'x-api-key: abc'");
        request.header(std::move(field->name), field->value.substr(begin));
    }
    return {};
}

result<token_request> read_request(token_flags const& flags)
{
    auto request = flags.grant.empty() ? token_request() : token_request::grant(flags.grant);
    request.scope(flags.scope).authorization_details(flags.authorization_details);
    for (auto const& audience : flags.audiences)
        request.audience(audience);
    for (auto const& uri : flags.resources)
        request.resource(uri);
    for (auto const& parameter : flags.parameters)
    {
        auto pair = split(parameter, '=');
        if (!pair)
            return usage_error("--param takes NAME=VALUE, as in --param tenant=blue");
        request.parameter(std::move(pair->name), std::move(pair->value));
    }
    for (auto const& parameter : flags.parameter_files)
    {
        auto pair = split(parameter, '=');
        if (!pair || pair->value.empty())
            return usage_error(
                "--param-file takes NAME=FILE, as in --param-file assertion=assertion.b64");
        request.parameter(std::move(pair->name), secret_from_file(std::move(pair->value)));
    }
    if (auto const added = add_headers(flags, request); !added)
        return added.error();
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
    auto store = read_store_options(flags.store);
    if (!store)
        return store.error();
    options.store = std::move(*store);
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
           "Gets an access token with the client credentials grant (RFC 6749 section 4.4),\n"
           "or with another one by --grant.\n\n"
           "  coauth token --client-id ID --client-secret-file FILE\n"
           "  coauth token --token-endpoint https://auth.example.com/oauth/token \\\n"
           "               --client-id ID --client-secret-file FILE --scope \"read write\"\n"
           "  coauth token --issuer https://login.example.com --client-id ID --key-file FILE\n"
           "  coauth token --token-endpoint https://auth.example.com/token --client-id ID \\\n"
           "               --grant account_credentials --param account_id=ACCOUNT\n"
           "  coauth token --store rediss://redis.example.com --store-key-file FILE ...\n"
           "  curl -H \"$(coauth token --output header ...)\" https://api.example.com/\n"
        << all_flags(unused)
        << "\nExit status: 0 a token, 1 refused by the server, 2 usage or configuration,\n"
           "3 network or TLS, 4 timeout, 5 unusable response.\n";
}

} // namespace coauth::cli
