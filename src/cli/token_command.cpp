#include "cli/token_command.hpp"

#include "cli/decode.hpp"
#include "cli/printable.hpp"
#include "cli/report.hpp"
#include "cli/run_operation.hpp"
#include "cli/timeline.hpp"
#include "cli/token_options.hpp"

#include <iostream>
#include <unistd.h>

namespace coauth::cli
{
namespace
{

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Shows the request, and then the answer, each line marked with its direction.
class conversation
{
public:
    explicit conversation(terminal const& where) : where_(where) {}

    void operator()(std::string_view text)
    {
        std::string const mark = where_.dim(answer_ ? "<" : ">");
        answer_ = true;
        while (!text.empty())
        {
            auto const end = text.find('\n');
            auto shown = text.substr(0, end);
            if (shown.ends_with('\r'))
                shown.remove_suffix(1);
            std::clog << mark << ' ' << printable(shown) << '\n';
            text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        }
        std::clog << '\n' << std::flush;
    }

private:
    terminal where_;
    bool answer_ = false;
};

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

exit_status fetch_and_print(token_options options)
{
    terminal const log(STDERR_FILENO);
    auto const phases = std::make_shared<timeline>();
    if (options.client.verbose)
    {
        options.client.config.observer = phases;
        options.client.config.debug = conversation(log);
    }
    auto const began = steady_clock::now();
    auto const got = fetch(options.client, options.request);
    auto const elapsed = std::chrono::round<milliseconds>(steady_clock::now() - began);
    if (auto const chart = phases->chart(log); !chart.empty())
        std::clog << chart << '\n' << std::flush;
    print(got, options, elapsed);
    return got ? exit_status::ok : status_of(got.error().kind());
}

} // namespace

exit_status token_command(arguments const& args)
{
    auto options = read_token_options(args);
    if (!options)
    {
        // A program that reads the answer, and a person who reads the terminal, both learn it.
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
    return fetch_and_print(std::move(*options));
}

} // namespace coauth::cli
