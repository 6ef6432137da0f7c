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

po::options_description all_flags(discover_flags& flags)
{
    po::options_description all("Flags");
    all.add_options()(
        "issuer", po::value(&flags.client.issuer)->value_name("URL"),
        "the issuer whose metadata to fetch")(
        "output,o", po::value(&flags.output)->default_value("summary")->value_name("FORM"),
        "summary, or json (one line, with the names of the metadata)");
    add_connection_flags(all, flags.client);
    add_verbose_flag(all, flags.client);
    add_run_flags(all, flags.client);
    return all;
}

void print_help()
{
    discover_flags unused;
    std::cout << "Usage: coauth discover --issuer URL [flags]\n\n"
                 "Shows the metadata of an authorization server (RFC 8414, OpenID Connect\n"
                 "Discovery).\n\n"
              << all_flags(unused);
}

// One member of the metadata: its label in the summary, its name, and its value.
struct text_row
{
    char const* label;
    char const* name;
    std::string const& value;
};
struct list_row
{
    char const* label;
    char const* name;
    std::vector<std::string> const& value;
};

std::vector<text_row> endpoints(server_endpoints const& urls)
{
    return {
        {"token", "token_endpoint", urls.token_endpoint},
        {"introspection", "introspection_endpoint", urls.introspection_endpoint},
        {"revocation", "revocation_endpoint", urls.revocation_endpoint}};
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

server_endpoints without_aliases(authorization_server const& server)
{
    return {server.token_endpoint, server.introspection_endpoint, server.revocation_endpoint};
}

std::string format_row(terminal const& output, std::string name, std::string const& value)
{
    name.resize(21, ' ');
    return value.empty() ? std::string()
                         : "  " + output.dim(name) + sanitize_for_terminal(value) + '\n';
}

std::string join(std::vector<std::string> const& words)
{
    std::string text;
    for (auto const& word : words)
        text.append(text.empty() ? "" : " ").append(word);
    return text;
}

std::string summary(authorization_server const& server, terminal const& output)
{
    auto text =
        output.green("Authorization server") + ' ' + sanitize_for_terminal(server.issuer) + "\n\n";
    auto const urls = without_aliases(server);
    for (auto const& row : endpoints(urls))
        text += format_row(output, row.label, row.value);
    for (auto const& row : endpoints(server.mtls_endpoint_aliases))
        text += format_row(output, row.label + std::string(", mTLS"), row.value);
    for (auto const& row : lists(server))
        text += format_row(output, row.label, join(row.value));
    return text;
}

// Members without a value are left out.
void add(json::object& object, std::vector<text_row> const& rows)
{
    for (auto const& row : rows)
        if (!row.value.empty())
            object[row.name] = sanitize_for_terminal(row.value);
}

std::string to_json(authorization_server const& server)
{
    json::object object;
    object["issuer"] = sanitize_for_terminal(server.issuer);
    auto const urls = without_aliases(server);
    add(object, endpoints(urls));
    for (auto const& row : lists(server))
    {
        json::array words;
        for (auto const& word : row.value)
            words.emplace_back(sanitize_for_terminal(word));
        if (!words.empty())
            object[row.name] = std::move(words);
    }
    json::object aliases;
    add(aliases, endpoints(server.mtls_endpoint_aliases));
    if (!aliases.empty())
        object["mtls_endpoint_aliases"] = std::move(aliases);
    return json::serialize(object) + '\n';
}

} // namespace

exit_status discover_command(arguments const& args)
{
    discover_flags flags;
    auto const read = read_flags(args, all_flags(flags), "coauth discover");
    if (!read)
        return print_failure("not discovered", read.error(), usage_output(args));
    if (flags.client.help)
        return print_help(), exit_status::ok;
    if (flags.output != "summary" && flags.output != "json")
        return print_failure(
            "not discovered",
            usage_error(
                "--output is summary or json, not '" + sanitize_for_terminal(flags.output) + "'"));
    bool const json = flags.output == "json";
    auto const options = read_discovery_options(flags.client);
    if (!options)
        return print_failure("not discovered", options.error(), usage_output(args));
    stopwatch const watch;
    auto const server = run_discovery(*options);
    if (!server)
        return print_failure(
            "not discovered", server.error(), json ? failure_output::json : failure_output::text,
            watch.elapsed());
    std::cout << (json ? to_json(*server) : summary(*server, terminal(STDOUT_FILENO)));
    return exit_status::ok;
}

} // namespace coauth::cli
