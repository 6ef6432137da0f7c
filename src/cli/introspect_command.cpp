#include "cli/introspect_command.hpp"

#include "cli/existing_token_options.hpp"
#include "cli/report.hpp"
#include "cli/run_operation.hpp"
#include "cli/sanitize_for_terminal.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

#include <iostream>

namespace coauth::cli
{
namespace
{

namespace json = boost::json;

// The members of the server's response as one JSON object.
std::string to_json(introspection const& response)
{
    std::string text;
    for (auto const& member : response.members)
        text.append(text.empty() ? "{" : ",")
            .append(json::serialize(json::string(sanitize_for_terminal(member.name))))
            .append(":")
            .append(sanitize_for_terminal(member.json.view()));
    return text + "}\n";
}

} // namespace

exit_status introspect_command(arguments const& args)
{
    auto options = read_existing_token_options(args, "coauth introspect");
    if (!options)
        return print_failure("not introspected", options.error(), usage_output(args));
    if (options->help)
    {
        print_existing_token_help(
            "coauth introspect", "Asks an authorization server about a token (RFC 7662), and "
                                 "prints its\nresponse as JSON. The exit status is 1 if the token "
                                 "is not active. With\n--output json a failure is JSON too, with "
                                 "\"ok\":false.");
        return exit_status::ok;
    }
    options->client.methods = &authorization_server::introspection_authentication_methods;
    stopwatch const watch;
    auto const response = run_with_client<introspection>(
        std::move(options->client), [&](client& from, auto handler)
        { from.async_introspect(options->token, options->type_hint, std::move(handler)); });
    if (!response)
        return print_failure(
            "not introspected", response.error(),
            options->json ? failure_output::json : failure_output::text, watch.elapsed());
    std::cout << to_json(*response);
    return response->active ? exit_status::ok : exit_status::refused;
}

} // namespace coauth::cli
