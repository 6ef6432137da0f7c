#include "cli/token_command.hpp"

#include "cli/decode.hpp"
#include "cli/report.hpp"
#include "cli/run_operation.hpp"
#include "cli/token_options.hpp"

#include <iostream>
#include <unistd.h>

namespace coauth::cli
{
namespace
{

using std::chrono::milliseconds;
using std::chrono::steady_clock;

outcome fetch(client_options options, token_request request)
{
    return run_with_client<access_token>(
        std::move(options), [&](client& tokens, auto done)
        { tokens.async_get_access_token(std::move(request), std::move(done)); });
}

void print(outcome const& got, token_options const& options, milliseconds elapsed)
{
    if (options.output == output_form::json)
        std::cout << json_line(got, elapsed);
    else if (!got)
        std::cerr << failure_summary(got.error(), terminal(STDERR_FILENO));
    else if (options.output == output_form::token)
        std::cout << got->value() << '\n';
    else if (options.output == output_form::header)
        std::cout << "Authorization: " << got->authorization() << '\n';
    else
    {
        auto const& from = options.client.issuer.empty()
                               ? options.client.config.server.token_endpoint
                               : options.client.issuer;
        std::cout << token_summary(*got, from, elapsed, terminal(STDOUT_FILENO));
        if (options.decode)
            std::cout << decoded_token(got->value(), terminal(STDOUT_FILENO));
    }
}

exit_status fetch_and_print(token_options const& options)
{
    auto const began = steady_clock::now();
    auto const got = fetch(options.client, options.request);
    auto const elapsed = std::chrono::round<milliseconds>(steady_clock::now() - began);
    print(got, options, elapsed);
    return got ? exit_status::ok : status_of(got.error().kind());
}

} // namespace

exit_status token_command(arguments const& args)
{
    auto options = read_token_options(args);
    if (!options)
    {
        // A program that reads the response, and a person who reads the terminal, both learn it.
        if (asks_for_json(args))
            std::cout << json_line(options.error(), milliseconds(0));
        std::cerr << failure_summary(options.error(), terminal(STDERR_FILENO));
        return status_of(options.error().kind());
    }
    if (options->help)
    {
        print_token_help(std::cout);
        return exit_status::ok;
    }
    return fetch_and_print(*options);
}

} // namespace coauth::cli
