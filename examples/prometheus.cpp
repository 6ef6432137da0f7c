// Exports what a client does to Prometheus: an observer fills metrics as things happen, and the
// client's counters are read when they are asked for.
//
//   COAUTH_TOKEN_ENDPOINT, COAUTH_CLIENT_ID, COAUTH_CLIENT_SECRET   required
//   COAUTH_CA_FILE                                                  empty: the system's CAs

#include <coauth/client.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <iostream>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace asio = boost::asio;

std::string env(char const* name)
{
    char const* const value = std::getenv(name);
    return value != nullptr ? value : "";
}

coauth::client_config config_from_environment()
{
    coauth::client_config config;
    config.server.token_endpoint = env("COAUTH_TOKEN_ENDPOINT");
    config.authentication = coauth::client_authentication::client_secret_basic(
        env("COAUTH_CLIENT_ID"), env("COAUTH_CLIENT_SECRET"));
    config.tls.ca_file = env("COAUTH_CA_FILE");
    return config;
}

double seconds(std::chrono::steady_clock::duration span)
{
    return std::chrono::duration<double>(span).count();
}

// Called from the threads of the client; Prometheus's metrics may be used from all of them.
class metrics : public coauth::observer
{
public:
    explicit metrics(prometheus::Registry& registry)
        : durations_(prometheus::BuildHistogram()
                         .Name("oauth_token_request_duration_seconds")
                         .Help("From the call to the token")
                         .Register(registry)
                         .Add(
                             {},
                             prometheus::Histogram::BucketBoundaries{
                                 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}))
        , failures_(prometheus::BuildCounter()
                        .Name("oauth_token_attempt_failures_total")
                        .Help("Attempts that yielded no token, by error")
                        .Register(registry))
        , connections_(prometheus::BuildCounter()
                           .Name("oauth_connections_opened_total")
                           .Help("Connections to the authorization server")
                           .Register(registry))
        , new_(connections_.Add({{"tls_session", "new"}}))
        , resumed_(connections_.Add({{"tls_session", "resumed"}}))
    {
    }

    void on_token_received(coauth::token_received const& event) override
    {
        durations_.Observe(seconds(event.took));
    }
    void on_attempt_failed(coauth::attempt_failed const& event) override
    {
        failures_.Add({{"error", std::string(to_string(event.why.value()))}}).Increment();
    }
    void on_connection_opened(coauth::connection_opened const& event) override
    {
        (event.resumed ? resumed_ : new_).Increment();
    }

private:
    prometheus::Histogram& durations_;
    prometheus::Family<prometheus::Counter>& failures_;
    prometheus::Family<prometheus::Counter>& connections_;
    prometheus::Counter& new_;
    prometheus::Counter& resumed_;
};

asio::awaitable<void> work(coauth::client& client)
{
    for (int i = 0; i < 3; ++i)
    {
        auto token = co_await client.async_get_access_token();
        if (!token)
            std::cerr << token.error() << '\n';
    }
    auto request = coauth::token_request().scope("unknown");
    auto refused = co_await client.async_get_access_token(request);
    if (!refused)
        std::cerr << refused.error() << '\n';
}

int main()
{
    prometheus::Registry registry;
    auto& idle = prometheus::BuildGauge()
                     .Name("oauth_connections_idle")
                     .Help("Connections that wait to be used again")
                     .Register(registry)
                     .Add({});
    auto config = config_from_environment();
    config.observer = std::make_shared<metrics>(registry);

    asio::io_context context;
    coauth::client client(context.get_executor(), config);
    asio::co_spawn(context, work(client), asio::detached);
    context.run();

    // A server hands the registry to a prometheus::Exposer instead, and sets gauges as it is asked.
    auto const now = client.counters();
    idle.Set(static_cast<double>(now.idle));
    std::cout << prometheus::TextSerializer().Serialize(registry.Collect());
    return now.tokens == 3 ? EXIT_SUCCESS : EXIT_FAILURE;
}
