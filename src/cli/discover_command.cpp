#include "cli/discover_command.hpp"

#include "cli/printable.hpp"
#include "cli/report.hpp"
#include "cli/run_operation.hpp"

#include <boost/program_options.hpp>

#include <iostream>
#include <unistd.h>

namespace coauth::cli
{
namespace
{

namespace po = boost::program_options;

po::options_description all_flags(client_flags& into)
{
    po::options_description all("Flags");
    all.add_options()(
        "issuer", po::value(&into.issuer)->value_name("URL"), "the issuer to be asked");
    add_trust_flags(all, into);
    add_run_flags(all, into);
    return all;
}

void print_help()
{
    client_flags unused;
    std::cout << "Usage: coauth discover --issuer URL [flags]\n\n"
                 "Shows what an authorization server says of itself (RFC 8414,\n"
                 "OpenID Connect Discovery).\n\n"
              << all_flags(unused);
}

std::string line(terminal const& where, std::string name, std::string const& value)
{
    name.resize(16, ' ');
    return value.empty() ? std::string() : "  " + where.dim(name) + printable(value) + '\n';
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
    return where.green("Authorization server") + ' ' + printable(server.issuer) + "\n\n" +
           line(where, "token", server.token_endpoint) +
           line(where, "introspection", server.introspection_endpoint) +
           line(where, "revocation", server.revocation_endpoint) +
           line(where, "token, mTLS", server.mtls_endpoint_aliases.token_endpoint) +
           line(where, "authentication", listed(server.authentication_methods)) +
           line(where, "signed by", listed(server.authentication_algorithms)) +
           line(where, "DPoP", listed(server.dpop_algorithms)) +
           line(where, "grants", listed(server.grant_types));
}

exit_status fail(error const& why)
{
    std::cerr << failure_summary(why, terminal(STDERR_FILENO), "not discovered");
    return status_of(why.kind());
}

} // namespace

exit_status discover_command(arguments const& args)
{
    client_flags flags;
    auto const read = read_flags(args, all_flags(flags), "coauth discover");
    if (!read)
        return fail(read.error());
    if (flags.help)
        return print_help(), exit_status::ok;
    auto const options = read_discovery_options(flags);
    if (!options)
        return fail(options.error());
    auto const found = run_operation<authorization_server>(
        [&](boost::asio::any_io_executor const& executor, auto done)
        {
            async_discover(
                executor, options->issuer, discovery_of(options->config), std::move(done));
        });
    if (!found)
        return fail(found.error());
    std::cout << summary(*found, terminal(STDOUT_FILENO));
    return exit_status::ok;
}

} // namespace coauth::cli
