#include "cli/revoke_command.hpp"

#include "cli/existing_token_options.hpp"
#include "cli/report.hpp"
#include "cli/run_operation.hpp"

#include <iostream>

namespace coauth::cli
{

exit_status revoke_command(arguments const& args)
{
    auto options = read_existing_token_options(args, "coauth revoke");
    if (!options)
        return print_failure("not revoked", options.error(), usage_output(args));
    if (options->help)
    {
        print_existing_token_help(
            "coauth revoke", "Revokes a token at an authorization server (RFC 7009).");
        return exit_status::ok;
    }
    options->client.methods = &authorization_server::revocation_authentication_methods;
    stopwatch const watch;
    auto const done = run_with_client<void>(
        std::move(options->client), [&](client& from, auto handler)
        { from.async_revoke(options->token, options->type_hint, std::move(handler)); });
    if (!done)
        return print_failure(
            "not revoked", done.error(),
            options->json ? failure_output::json : failure_output::text, watch.elapsed());
    std::cout << (options->json ? json_line(done, watch.elapsed()) : "The token is revoked.\n");
    return exit_status::ok;
}

} // namespace coauth::cli
