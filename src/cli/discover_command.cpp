#include "cli/discover_command.hpp"

#include "cli/flags.hpp"
#include "cli/report.hpp"
#include "cli/run_operation.hpp"
#include "cli/sanitize_for_terminal.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/program_options.hpp>

#include <iostream>
#include <unistd.h>
#include <utility>
#include <vector>

namespace coauth::cli
{
namespace
{

namespace json = boost::json;
namespace po = boost::program_options;

struct discover_flags
{
    client_flags client;
    std::string output;
};

po::options_description all_flags(discover_flags& into)
{
    po::options_description all("Flags");
    all.add_options()(
        "issuer", po::value(&into.client.issuer)->value_name("URL"), "the issuer to be asked")(
        "output,o", po::value(&into.output)->default_value("summary")->value_name("FORM"),
        "summary, or json (one line, by the names of the metadata)");
    add_trust_flags(all, into.client);
    add_verbose_flag(all, into.client);
    add_run_flags(all, into.client);
    return all;
}

void print_help()
{
    discover_flags unused;
    std::cout << "Usage: coauth discover --issuer URL [flags]\n\n"
                 "Shows what an authorization server says of itself (RFC 8414,\n"
                 "OpenID Connect Discovery).\n\n"
              << all_flags(unused);
}

// What is known of a server: the name for people, that of the metadata, and the value.
struct text_row
{
    char const* shown;
    char const* name;
    std::string const& value;
};
struct list_row
{
    char const* shown;
    char const* name;
    std::vector<std::string> const& value;
};

std::vector<text_row> endpoints(server_endpoints const& at)
{
    return {
        {"token", "token_endpoint", at.token_endpoint},
        {"introspection", "introspection_endpoint", at.introspection_endpoint},
        {"revocation", "revocation_endpoint", at.revocation_endpoint}};
}

std::vector<list_row> lists(authorization_server const& server)
{
    return {
        {"authentication", "token_endpoint_auth_methods_supported", server.authentication_methods},
        {"- to introspect", "introspection_endpoint_auth_methods_supported",
         server.introspection_authentication_methods},
        {"- to revoke", "revocation_endpoint_auth_methods_supported",
         server.revocation_authentication_methods},
        {"signed by", "token_endpoint_auth_signing_alg_values_supported",
         server.authentication_algorithms},
        {"DPoP", "dpop_signing_alg_values_supported", server.dpop_algorithms},
        {"grants", "grant_types_supported", server.grant_types}};
}

server_endpoints plain(authorization_server const& server)
{
    return {server.token_endpoint, server.introspection_endpoint, server.revocation_endpoint};
}

std::string row_of(terminal const& where, std::string name, std::string const& value)
{
    name.resize(21, ' ');
    return value.empty() ? std::string()
                         : "  " + where.dim(name) + sanitize_for_terminal(value) + '\n';
}

std::string listed(std::vector<std::string> const& words)
{
    std::string text;
    for (auto const& word : words)
        text.append(text.empty() ? "" : " ").append(word);
    return text;
}

std::string summary(authorization_server const& server, terminal const& where)
{
    auto text =
        where.green("Authorization server") + ' ' + sanitize_for_terminal(server.issuer) + "\n\n";
    auto const at = plain(server);
    for (auto const& row : endpoints(at))
        text += row_of(where, row.shown, row.value);
    for (auto const& row : endpoints(server.mtls_endpoint_aliases))
        text += row_of(where, row.shown + std::string(", mTLS"), row.value);
    for (auto const& row : lists(server))
        text += row_of(where, row.shown, listed(row.value));
    return text;
}

// What the server did not say is not there.
void add(json::object& to, std::vector<text_row> const& rows)
{
    for (auto const& row : rows)
        if (!row.value.empty())
            to[row.name] = sanitize_for_terminal(row.value);
}

std::string document(authorization_server const& server)
{
    json::object made;
    made["issuer"] = sanitize_for_terminal(server.issuer);
    auto const at = plain(server);
    add(made, endpoints(at));
    for (auto const& row : lists(server))
    {
        json::array words;
        for (auto const& word : row.value)
            words.emplace_back(sanitize_for_terminal(word));
        if (!words.empty())
            made[row.name] = std::move(words);
    }
    json::object aliases;
    add(aliases, endpoints(server.mtls_endpoint_aliases));
    if (!aliases.empty())
        made["mtls_endpoint_aliases"] = std::move(aliases);
    return json::serialize(made) + '\n';
}

exit_status fail(error const& why)
{
    std::cerr << failure_summary(why, terminal(STDERR_FILENO), "not discovered");
    return status_of(why.kind());
}

} // namespace

exit_status discover_command(arguments const& args)
{
    discover_flags flags;
    auto const read = read_flags(args, all_flags(flags), "coauth discover");
    if (!read)
        return fail(read.error());
    if (flags.client.help)
        return print_help(), exit_status::ok;
    if (flags.output != "summary" && flags.output != "json")
        return fail(usage_error(
            "--output is summary or json, not '" + sanitize_for_terminal(flags.output) + "'"));
    auto const options = read_discovery_options(flags.client);
    if (!options)
        return fail(options.error());
    auto const found = run_discovery(*options);
    if (!found)
        return fail(found.error());
    std::cout
        << (flags.output == "json" ? document(*found) : summary(*found, terminal(STDOUT_FILENO)));
    return exit_status::ok;
}

} // namespace coauth::cli
