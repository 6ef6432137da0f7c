// coauth as a server uses it: one client, one thread, a coroutine for each request in flight.

#include <coauth/client.hpp>

#include "common.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>

namespace asio = boost::asio;

namespace
{

// A template, so that it also compiles with a coauth that does not reuse connections or sessions.
template <class Config>
void configure_connections(Config& config, bench::options const& opts)
{
    if constexpr (requires { config.connections.max_connections; })
    {
        config.connections.max_connections = opts.in_flight;
        if (opts.mode != bench::connections::keep_alive)
            config.connections.idle_timeout = std::chrono::milliseconds(0);
    }
    if constexpr (requires { config.tls.session_resumption; })
        config.tls.session_resumption = opts.mode != bench::connections::opened;
}

coauth::client_config configuration(bench::options const& opts)
{
    coauth::client_config config;
    config.server.token_endpoint = opts.endpoint;
    config.authentication = coauth::client_authentication::client_secret_basic(
        bench::client_id, std::string(bench::client_secret));
    config.tls.ca_file = opts.ca_file;
    config.tls.system_trust_store = opts.system_trust;
    configure_connections(config, opts);
    return config;
}

asio::awaitable<void> work(coauth::client& client, bench::load& load)
{
    coauth::token_request const request;
    while (load.next())
    {
        auto const began = bench::clock::now();
        auto token = co_await client.async_get_access_token(request);
        if (!token)
            throw std::runtime_error(token.error().message());
        bench::check(token->value(), token->token_type());
        load.done(began);
    }
}

void run(asio::io_context& context, coauth::client& client, std::size_t workers, bench::load& load)
{
    std::exception_ptr failure;
    std::size_t running = workers;
    for (std::size_t i = 0; i < workers; ++i)
        asio::co_spawn(
            context, work(client, load),
            [&](std::exception_ptr const& thrown)
            {
                failure = failure ? failure : thrown;
                // The client's idle connections would keep the context busy.
                if (--running == 0)
                    context.stop();
            });
    context.run();
    context.restart();
    if (failure)
        std::rethrow_exception(failure);
}

} // namespace

int main(int argc, char** argv)
{
    return bench::report_failure(
        [&]
        {
            auto const opts = bench::parse(argc, argv);
            asio::io_context context(1);
            coauth::client client(context.get_executor(), configuration(opts));
            bench::measure(
                "coauth", opts,
                [&](bench::load& load) { run(context, client, opts.in_flight, load); });
        });
}
