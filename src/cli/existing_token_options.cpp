#include "cli/existing_token_options.hpp"

#include "cli/read_secret.hpp"
#include "cli/sanitize_for_terminal.hpp"

#include <boost/program_options.hpp>

#include <iostream>
#include <utility>

namespace coauth::cli
{
namespace
{

namespace po = boost::program_options;

struct existing_token_flags
{
    client_flags client;
    std::string token_file;
    std::string type_hint;
    std::string output;
};

po::options_description all_flags(existing_token_flags& flags)
{
    po::options_description token("Token");
    token.add_options()(
        "token-file", po::value(&flags.token_file)->value_name("FILE"),
        "the file with the token, - for standard input. Default: the variable COAUTH_TOKEN")(
        "type-hint", po::value(&flags.type_hint)->value_name("TYPE"),
        "access_token or refresh_token, to help the server");
    po::options_description server("Server");
    add_server_flags(server, flags.client);
    add_endpoint_flags(server, flags.client);
    add_connection_flags(server, flags.client);
    po::options_description client("Client authentication");
    add_client_flags(client, flags.client);
    po::options_description run("Command");
    run.add_options()(
        "output,o", po::value(&flags.output)->default_value("summary")->value_name("FORM"),
        "summary, or json (one line, for a failure too)");
    add_verbose_flag(run, flags.client);
    add_run_flags(run, flags.client);
    po::options_description all;
    all.add(token).add(server).add(client).add(run);
    return all;
}

} // namespace

result<existing_token_options>
read_existing_token_options(arguments const& args, std::string_view command)
{
    existing_token_flags flags;
    auto const read = read_flags(args, all_flags(flags), command);
    if (!read)
        return read.error();
    existing_token_options options;
    options.help = flags.client.help;
    if (options.help)
        return options;
    if (flags.output != "summary" && flags.output != "json")
        return usage_error("--output is summary or json, not " + in_quotes(flags.output));
    options.json = flags.output == "json";
    if (flags.token_file == "-" && flags.client.client_secret_file == "-")
        return usage_error(
            "standard input contains either the token or the client secret, not both");
    auto client = read_client_options(flags.client);
    if (!client)
        return client.error();
    options.client = std::move(*client);
    auto token = read_secret(existing_token_source, flags.token_file);
    if (!token)
        return token.error();
    options.token = std::move(*token);
    options.type_hint = flags.type_hint;
    return options;
}

void print_existing_token_help(std::string_view command, std::string_view description)
{
    existing_token_flags unused;
    std::cout << "Usage: " << command << " [flags]\n\n" << description << '\n' << all_flags(unused);
}

} // namespace coauth::cli
