#include "cli/introspect_command.hpp"

#include "cli/report.hpp"
#include "cli/run_operation.hpp"
#include "cli/sanitize_for_terminal.hpp"
#include "cli/secret_input.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <boost/program_options.hpp>

#include <iostream>
#include <unistd.h>

namespace coauth::cli
{
namespace
{

namespace json = boost::json;
namespace po = boost::program_options;

struct known_token_flags
{
    client_flags client;
    std::string token_file;
    std::string type_hint;
};

po::options_description all_flags(known_token_flags& into)
{
    po::options_description what("Which token");
    what.add_options()(
        "token-file", po::value(&into.token_file)->value_name("FILE"),
        "the file with the token, - for standard input. Else COAUTH_TOKEN")(
        "type-hint", po::value(&into.type_hint)->value_name("TYPE"),
        "access_token or refresh_token, to help the server");
    po::options_description server("Which server");
    add_server_flags(server, into.client);
    add_endpoint_flags(server, into.client);
    add_trust_flags(server, into.client);
    po::options_description client("Who asks");
    add_client_flags(client, into.client);
    po::options_description how("How");
    add_verbose_flag(how, into.client);
    add_run_flags(how, into.client);
    po::options_description all;
    all.add(what).add(server).add(client).add(how);
    return all;
}

void print_help(std::string_view command, std::string_view what)
{
    known_token_flags unused;
    std::cout << "Usage: " << command << " [flags]\n\n" << what << "\n" << all_flags(unused);
}

exit_status fail(error const& why, char const* what)
{
    std::cerr << failure_summary(why, terminal(STDERR_FILENO), what);
    return status_of(why.kind());
}

// What was asked for; nothing: help was.
struct known_token
{
    client_options client;
    secret token;
    std::string type_hint;
    bool help = false;
};

result<known_token> read_options(arguments const& args, std::string_view command)
{
    known_token_flags flags;
    auto const read = read_flags(args, all_flags(flags), command);
    if (!read)
        return read.error();
    known_token made;
    made.help = flags.client.help;
    if (made.help)
        return made;
    if (flags.token_file == "-" && flags.client.secret_from_file == "-")
        return usage_error("standard input holds the token or the client secret, not both");
    auto client = read_client_options(flags.client);
    if (!client)
        return client.error();
    made.client = std::move(*client);
    auto token = read_secret(token_place, flags.token_file);
    if (!token)
        return token.error();
    made.token = std::move(*token);
    made.type_hint = flags.type_hint;
    return made;
}

// One JSON object, as the server gave it.
std::string document(introspection const& found)
{
    std::string text;
    for (auto const& member : found.members)
        text.append(text.empty() ? "{" : ",")
            .append(json::serialize(json::string(sanitize_for_terminal(member.name))))
            .append(":")
            .append(sanitize_for_terminal(member.json.view()));
    return text + "}\n";
}

} // namespace

exit_status introspect_command(arguments const& args)
{
    auto options = read_options(args, "coauth introspect");
    if (!options)
        return fail(options.error(), "nothing known");
    if (options->help)
        return print_help(
                   "coauth introspect",
                   "Asks an authorization server about a token (RFC 7662), and prints its\n"
                   "response as JSON. The exit status is 1 when the token is not active."),
               exit_status::ok;
    options->client.methods = &authorization_server::introspection_authentication_methods;
    auto const found = run_with_client<introspection>(
        std::move(options->client), [&](client& from, auto done)
        { from.async_introspect(options->token, options->type_hint, std::move(done)); });
    if (!found)
        return fail(found.error(), "nothing known");
    std::cout << document(*found);
    return found->active ? exit_status::ok : exit_status::refused;
}

exit_status revoke_command(arguments const& args)
{
    auto options = read_options(args, "coauth revoke");
    if (!options)
        return fail(options.error(), "not revoked");
    if (options->help)
        return print_help(
                   "coauth revoke",
                   "Tells an authorization server that a token is not needed any more\n"
                   "(RFC 7009)."),
               exit_status::ok;
    options->client.methods = &authorization_server::revocation_authentication_methods;
    auto const done = run_with_client<void>(
        std::move(options->client), [&](client& from, auto handler)
        { from.async_revoke(options->token, options->type_hint, std::move(handler)); });
    if (!done)
        return fail(done.error(), "not revoked");
    std::cout << "The token is revoked.\n";
    return exit_status::ok;
}

} // namespace coauth::cli
